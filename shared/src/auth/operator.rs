//! Platform operators: their own token, under a key, a type and an audience of its own. A person's token is worthless at their
//! door, theirs is worthless everywhere else, even where two keys were the same by mistake.

use http::header::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    cookie,
    principal::{Shown, Unauthenticated, the_token},
    session::{CannotSign, Kind, SessionKeys, id},
    token::Rejected,
};
use crate::{
    clock::Clock,
    model::ids::{OperatorId, OperatorSessionId},
};

/// An operator's session ends this long after sign-in, used or not: the longest that somebody can go on whom the directory
/// no longer lets in.
pub const OPERATOR_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// The role that the operating company's directory gives its operators in the application (claim `roles`).
pub const OPERATOR_ROLE: &str = "operator";

const KIND: Kind = Kind {
    purpose: "operator-session",
    token_type: "sbx+operator",
    audience: "signalbox-operators",
    claims: &["iss", "aud", "sid", "operator_id", "iat", "exp"],
    lifetime: OPERATOR_LIFETIME,
};

/// Who a verified token says is calling. What they may see is decided by `system.operator_session` and the grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The operator.
    pub operator_id: OperatorId,
    /// Their session; revocable.
    pub session_id: OperatorSessionId,
}

impl SessionKeys {
    /// An operator's token, issued now. It ends with the session's row.
    pub fn mint_operator(
        &self,
        who: Operator,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<String, CannotSign> {
        let claims = json!({ "sid": who.session_id, "operator_id": who.operator_id });
        self.sign(&KIND, claims, now, expires_at)
    }

    /// Whom an operator's token stands for, if it is ours and in time.
    pub fn verify_operator(&self, token: &str, now: Timestamp) -> Result<Operator, Rejected> {
        let claims = self.read(&KIND, token, now)?;
        Ok(Operator { operator_id: id(&claims, "operator_id")?, session_id: id(&claims, "sid")? })
    }
}

/// Which operator a request's one token stands for: their cookie or `Authorization: Bearer`, never both.
pub fn authenticate_operator(
    headers: &HeaderMap,
    keys: &SessionKeys,
    clock: &Clock,
) -> Result<Operator, Unauthenticated> {
    let (Shown::Cookie(token) | Shown::Bearer(token)) = the_token(headers, cookie::OPERATOR_SESSION)?;
    Ok(keys.verify_operator(token, clock.now())?)
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::session_keys, *};
    use crate::{
        auth::{Credential, Principal},
        model::{ids::TenantId, tenant::SchemaName},
    };

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn olga() -> Operator {
        Operator {
            operator_id: "0193d4a0-0000-7000-8000-00000000000a".parse().unwrap(),
            session_id: "0193d4a0-0000-7000-8000-00000000000b".parse().unwrap(),
        }
    }

    /// Threats A12, C4: even under one key by mistake.
    #[test]
    fn neither_kind_of_token_is_the_other() {
        let keys = session_keys(1);
        let tenant_id: TenantId = "0193d4a0-0000-7000-8000-000000000001".parse().unwrap();
        let ada = Principal {
            tenant_id,
            tenant_schema: SchemaName::of(tenant_id),
            tenant_user_id: "0193d4a0-0000-7000-8000-000000000002".parse().unwrap(),
            credential: Credential::Session("0193d4a0-0000-7000-8000-000000000003".parse().unwrap()),
        };
        let person = keys.mint(&ada, now(), now() + OPERATOR_LIFETIME).unwrap();
        let operator = keys.mint_operator(olga(), now(), now() + OPERATOR_LIFETIME).unwrap();
        assert_eq!(keys.verify_operator(&operator, now()), Ok(olga()));
        assert_eq!(keys.verify(&person, now()), Ok(ada));
        assert_eq!(keys.verify(&operator, now()), Err(Rejected::Header("typ")));
        assert_eq!(keys.verify_operator(&person, now()), Err(Rejected::Header("typ")));
        assert_ne!(keys.key("session", 1), keys.key(KIND.purpose, 1));
    }

    #[test]
    fn an_operators_token_ends_after_an_hour_whatever_the_row_says() {
        let keys = session_keys(1);
        let token = keys.mint_operator(olga(), now(), now() + SignedDuration::from_hours(9)).unwrap();
        let later = |seconds| now() + SignedDuration::from_secs(seconds);
        assert!(keys.verify_operator(&token, later(3599)).is_ok());
        assert_eq!(keys.verify_operator(&token, later(3600)), Err(Rejected::Time("exp")));
    }
}

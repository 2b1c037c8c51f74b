//! The claims transformation: a request's headers in, a [`Principal`] out. No URL, query, body or other header is read.

use http::header::{AUTHORIZATION, HeaderMap};

use super::{api_token, cookie, session::SessionKeys, token::Rejected};
use crate::{
    clock::Clock,
    db::Scope,
    model::{
        ids::{SessionId, TenantId, UserId},
        role::Permission,
        tenant::{Route, SchemaName},
    },
};

/// Who a verified token says is calling, and in which workspace. The role is not in it: it is read as the scope opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The workspace.
    pub tenant_id: TenantId,
    /// Its schema and role.
    pub tenant_schema: SchemaName,
    /// The person.
    pub tenant_user_id: UserId,
    /// What they show; revocable.
    pub credential: Credential,
}

/// What a caller shows: looked up as the scope opens, and good only while its row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session, by the signed token that names it.
    Session(SessionId),
    /// An API token, by its hash. What the token says of itself is not signed: its row must say the same.
    ApiToken([u8; 32]),
}

/// A request without exactly one valid token: 401, and no word of why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No token.
    #[error("no session token")]
    None,
    /// More than one, or one that cannot be read.
    #[error("not exactly one session token")]
    Unclear,
    /// A token that is not believed.
    #[error("the session token is not believed")]
    Rejected(#[from] Rejected),
}

/// Whom a request's one token stands for: the cookie `__Host-signalbox` (a session) or `Authorization: Bearer` (a session or an
/// API token), never both.
pub fn authenticate(
    headers: &HeaderMap,
    keys: &SessionKeys,
    clock: &Clock,
) -> Result<Principal, Unauthenticated> {
    match the_token(headers, cookie::SESSION)? {
        // A program's, so never a cookie's.
        Shown::Bearer(token) if api_token::is_one(token) => Ok(api_token::read(token)?),
        Shown::Bearer(token) | Shown::Cookie(token) => Ok(keys.verify(token, clock.now())?),
    }
}

/// A token, and where a request has it.
pub(super) enum Shown<'a> {
    /// In the cookie.
    Cookie(&'a str),
    /// In `Authorization: Bearer`.
    Bearer(&'a str),
}

/// A request's one token: in this cookie or in `Authorization: Bearer`, never both.
pub(super) fn the_token<'a>(headers: &'a HeaderMap, cookie: &str) -> Result<Shown<'a>, Unauthenticated> {
    let kept = cookie::values(headers, cookie).map_err(|_| Unauthenticated::Unclear)?;
    let mut shown = Vec::new();
    for value in headers.get_all(AUTHORIZATION) {
        shown.push(bearer(value.to_str().unwrap_or_default()).ok_or(Unauthenticated::Unclear)?);
    }
    match (kept.as_slice(), shown.as_slice()) {
        ([], []) => Err(Unauthenticated::None),
        ([token], []) => Ok(Shown::Cookie(token)),
        ([], [token]) => Ok(Shown::Bearer(token)),
        _ => Err(Unauthenticated::Unclear),
    }
}

impl Principal {
    /// The scope in which this person does what needs a permission, or membership alone.
    pub fn scope(&self, permission: Option<Permission>) -> Scope {
        let (user, route) =
            (self.tenant_user_id, Route { tenant: self.tenant_id, schema: self.tenant_schema.clone() });
        match self.credential {
            Credential::Session(session) => Scope::Person { session, user, route, permission },
            Credential::ApiToken(hash) => Scope::Token { hash, user, route, permission },
        }
    }

    /// Their session, unless they came by an API token.
    pub fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::ApiToken(_) => None,
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, header::COOKIE};
    use jiff::Timestamp;

    use super::{super::fixture::session_keys, *};

    fn ada() -> Principal {
        let tenant_id: TenantId = "0193d4a0-0000-7000-8000-000000000001".parse().unwrap();
        Principal {
            tenant_id,
            tenant_schema: SchemaName::of(tenant_id),
            tenant_user_id: "0193d4a0-0000-7000-8000-000000000002".parse().unwrap(),
            credential: Credential::Session("0193d4a0-0000-7000-8000-000000000003".parse().unwrap()),
        }
    }

    fn ask(headers: &[(HeaderName, String)]) -> Result<Principal, Unauthenticated> {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        authenticate(&map, &session_keys(1), &Clock::fixed(now))
    }

    fn token() -> String {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        session_keys(1).mint(&ada(), now, now + crate::auth::LIFETIME).unwrap()
    }

    /// Threats A20, A22.
    #[test]
    fn a_caller_is_known_by_exactly_one_token_in_its_one_place() {
        let token = token();
        let cookie = |text: &str| (COOKIE, text.replace("TOKEN", &token));
        let bearer = |text: &str| (AUTHORIZATION, text.replace("TOKEN", &token));
        for good in [
            cookie("__Host-signalbox=TOKEN"),
            cookie("a=b; __Host-signalbox=TOKEN; c=d"),
            cookie("a=b;__Host-signalbox=TOKEN"),
            bearer("Bearer TOKEN"),
            bearer("bearer TOKEN"),
        ] {
            assert_eq!(ask(std::slice::from_ref(&good)), Ok(ada()), "{good:?}");
        }
        assert_eq!(ask(&[cookie("a=b"), cookie("__Host-signalbox=TOKEN")]), Ok(ada()));
        for unclear in [
            vec![cookie("__Host-signalbox=TOKEN; __Host-signalbox=TOKEN")],
            vec![cookie("__Host-signalbox=TOKEN"), cookie("__Host-signalbox=x")],
            vec![cookie("__Host-signalbox=TOKEN"), bearer("Bearer TOKEN")],
            vec![bearer("Bearer TOKEN"), bearer("Bearer TOKEN")],
            vec![bearer("Basic TOKEN")],
            vec![bearer("TOKEN")],
            vec![bearer("Bearer ")],
            vec![bearer("")],
            vec![bearer("Bearer TOKEN"), bearer("Basic eDp5")],
        ] {
            assert_eq!(ask(&unclear), Err(Unauthenticated::Unclear), "{unclear:?}");
        }
        for none in [
            vec![],
            vec![cookie("signalbox=TOKEN")],
            vec![cookie("__host-signalbox=TOKEN")],
            vec![cookie("__Host-signalbox-flow=TOKEN")],
            vec![cookie("x__Host-signalbox=TOKEN")],
            vec![(HeaderName::from_static("x-tenant-id"), ada().tenant_id.to_string())],
            vec![(HeaderName::from_static("x-ms-client-principal"), token.clone())],
            vec![(HeaderName::from_static("proxy-authorization"), token.clone())],
        ] {
            assert_eq!(ask(&none), Err(Unauthenticated::None), "{none:?}");
        }
        for bad in [
            cookie("__Host-signalbox="),
            cookie("__Host-signalbox=\"TOKEN\""),
            bearer("Bearer  TOKEN"),
            bearer("Bearer TOKEN,TOKEN"),
            bearer("Bearer sbx_1"),
        ] {
            assert!(matches!(ask(std::slice::from_ref(&bad)), Err(Unauthenticated::Rejected(_))), "{bad:?}");
        }
    }
}

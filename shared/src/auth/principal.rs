//! The claims transformation: a request's headers in, a [`Principal`] out. No URL, query, body or other header is read.

use http::header::{AUTHORIZATION, HeaderMap};

use super::{cookie, session::SessionKeys, token::Rejected};
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
    /// Their session; revocable.
    pub session_id: SessionId,
}

/// A request without exactly one valid session token: 401, and no word of why.
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

/// Whom a request's one session token stands for: the cookie `__Host-signalbox` or `Authorization: Bearer`, never both.
pub fn authenticate(headers: &HeaderMap, keys: &SessionKeys, clock: &Clock) -> Result<Principal, Unauthenticated> {
    let mut found = cookie::values(headers, cookie::SESSION).map_err(|_| Unauthenticated::Unclear)?;
    for value in headers.get_all(AUTHORIZATION) {
        found.push(bearer(value.to_str().unwrap_or_default()).ok_or(Unauthenticated::Unclear)?);
    }
    match found.as_slice() {
        [] => Err(Unauthenticated::None),
        [token] => Ok(keys.verify(token, clock.now())?),
        _ => Err(Unauthenticated::Unclear),
    }
}

impl Principal {
    /// The scope in which this person does what needs a permission.
    pub fn scope(&self, permission: Permission) -> Scope {
        let route = Route { tenant: self.tenant_id, schema: self.tenant_schema.clone() };
        Scope::Person { session: self.session_id, user: self.tenant_user_id, route, permission }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

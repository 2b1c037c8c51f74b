//! Our cookies, two for each door. All are `__Host-`: this host's only, every path, Secure; no other host of the domain can
//! set them.

use http::header::{COOKIE, HeaderMap};

/// Holds the session token.
pub const SESSION: &str = "__Host-signalbox";
/// Holds a platform operator's session token.
pub const OPERATOR_SESSION: &str = "__Host-signalbox-operators";

/// Holds sign-ins under way, sealed for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowCookie {
    /// Its name.
    pub name: &'static str,
    /// What it is sealed for.
    pub purpose: &'static str,
}

impl FlowCookie {
    /// Of people at `/auth`.
    pub const PEOPLE: Self = Self { name: "__Host-signalbox-flow", purpose: "flow" };
    /// Of platform operators at `/operators`.
    pub const OPERATORS: Self = Self { name: "__Host-signalbox-operators-flow", purpose: "operators-flow" };
}

/// A cookie header that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Every value of a cookie in a request. A browser sends one; two mean that somebody planted one.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, Unreadable> {
    let mut values = Vec::new();
    for header in headers.get_all(COOKIE) {
        let pairs = header.to_str().map_err(|_| Unreadable)?.split(';');
        let named = pairs.filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='));
        values.extend(named.filter(|(it, _)| *it == name).map(|(_, value)| value));
    }
    Ok(values)
}

/// The `Set-Cookie` value that keeps a cookie for some seconds.
pub fn set(name: &str, value: &str, seconds: i64) -> String {
    format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Lax", seconds.max(0))
}

/// The `Set-Cookie` value that removes a cookie.
pub fn clear(name: &str) -> String {
    set(name, "", 0)
}

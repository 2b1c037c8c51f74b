//! Cross-site requests. A browser adds the cookie to a form that another site posts, but it also says whose form it was.

use http::{
    Method,
    header::{AUTHORIZATION, HeaderMap, ORIGIN},
};
use url::Url;

/// An unsafe request that does not come from our own pages: 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request does not come from this site's pages")]
pub struct ForeignOrigin;

/// For an unsafe method with the cookie: `Origin` must be there once and be exactly the public URL's. A request that
/// carries `Authorization` is not a browser's doing and passes.
pub fn check_origin(method: &Method, headers: &HeaderMap, public_url: &Url) -> Result<(), ForeignOrigin> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || headers.contains_key(AUTHORIZATION)
    {
        return Ok(());
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let expected = public_url.origin().ascii_serialization();
    match (origins.next(), origins.next()) {
        (Some(origin), None) if origin.as_bytes() == expected.as_bytes() => Ok(()),
        _ => Err(ForeignOrigin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat A17.
    #[test]
    fn an_unsafe_request_with_the_cookie_comes_from_our_own_pages_or_is_refused() {
        let public = Url::parse("https://signalbox.example/").unwrap();
        let ask = |method: Method, origins: &[&str], bearer: bool| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(ORIGIN, origin.parse().unwrap());
            }
            if bearer {
                headers.insert(AUTHORIZATION, "Bearer x".parse().unwrap());
            }
            check_origin(&method, &headers, &public).is_ok()
        };
        let ours = "https://signalbox.example";
        assert!(ask(Method::POST, &[ours], false));
        assert!(ask(Method::POST, &[], true));
        assert!(ask(Method::GET, &[], false) && ask(Method::HEAD, &["https://evil.example"], false));
        for foreign in [
            "null",
            "",
            "http://signalbox.example",
            "https://signalbox.example:8443",
            "https://signalbox.example.evil.example",
            "https://evil.example",
            "https://SIGNALBOX.example",
            "https://signalbox.example/",
            "https://a.signalbox.example",
        ] {
            assert!(!ask(Method::POST, &[foreign], false), "{foreign}");
        }
        for method in [
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::TRACE,
            Method::from_bytes(b"BREW").unwrap(),
        ] {
            assert!(!ask(method, &[], false));
        }
        assert!(!ask(Method::POST, &[ours, ours], false));
        assert!(!ask(Method::POST, &[ours, "https://evil.example"], false));
    }
}

//! Checks of addresses that customers type, and joining paths to them.

use std::fmt::Write;

use crate::model::problem::Problems;

/// The longest base URL, in characters.
const MAX_URL: usize = 500;

/// Checks a base URL: `http` or `https`, a host, no user, no query, no fragment, at most 500 characters.
///
/// Whether plain `http` and the host are allowed at all is for the dispatcher's egress rules: they look at what the name resolves to.
pub fn check_base_url(url: &str, pointer: &str, problems: &mut Problems) {
    if let Some(wrong) = wrong_with(url) {
        problems.add(pointer, wrong);
    }
}

fn wrong_with(url: &str) -> Option<&'static str> {
    if url.len() > MAX_URL {
        return Some("must be at most 500 characters");
    }
    if !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains('\\') {
        return Some("must be plain ASCII without spaces; write international names as punycode");
    }
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("must begin with https:// (or http://)");
    };
    if url.contains('#') {
        return Some("must not have a fragment (`#`)");
    }
    if url.contains('?') {
        return Some("must not have a query (`?`)");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Some("must not name a user; the credential is configured apart");
    }
    if !is_authority(authority) {
        return Some("must name one host, with an optional port");
    }
    if path.split('/').any(|step| matches!(step, "." | "..")) {
        return Some("must not have `.` or `..` in its path");
    }
    None
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, after)) => {
                let address = host.contains(':')
                    && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
                return address && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
            }
            None => return false,
        },
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let named = host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label);
    named && port.is_none_or(is_port)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
}

/// A path under a base URL. The base decides the host: the path can't leave it, whatever it holds.
#[must_use]
pub fn join(base_url: &str, path: &str) -> String {
    format!("{}/{}", base_url.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// Percent-encodes a text as one step of a path: only RFC 3986's unreserved characters stay.
#[must_use]
pub fn encode_step(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes all that is written");
        }
    }
    // A step of dots would climb.
    if matches!(encoded.as_str(), "." | "..") { encoded.replace('.', "%2E") } else { encoded }
}

/// Whether a text may still hold a template, so that its content can't be judged yet.
pub(super) fn has_template(text: &str) -> bool {
    text.contains("{{")
}

/// What is wrong with a path to be joined to a base URL; `query` says whether `?` may follow.
pub(super) fn wrong_with_path(path: &str, query: bool) -> Option<&'static str> {
    if !path.starts_with('/') || path.starts_with("//") {
        return Some("must begin with one `/`; it is joined to the connection's base_url");
    }
    if path.chars().count() > 2000 {
        return Some("must be at most 2,000 characters");
    }
    if path.contains('#') || path.contains('\\') {
        return Some("must not hold `#` or `\\`");
    }
    if has_template(path) {
        return None;
    }
    if path.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("must not hold spaces or control characters");
    }
    if !query && path.contains('?') {
        return Some("must not hold `?`; parameters go into `query`");
    }
    let steps = path.split_once('?').map_or(path, |(steps, _)| steps);
    steps.split('/').any(|step| matches!(step, "." | "..")).then_some("must not hold `.` or `..` as a step")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_a_scheme_a_host_and_a_path() {
        for url in [
            "https://example.com",
            "https://example.com:8443/a/b/",
            "http://127.0.0.1:9000",
            "https://[::1]:8080",
            "https://my_host-1.internal",
        ] {
            assert_eq!(wrong_with(url), None, "{url}");
        }
    }

    #[test]
    fn a_base_url_that_could_mean_two_things_is_refused() {
        for url in [
            "",
            "example.com",
            "ftp://example.com",
            "HTTPS://example.com",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://u:p@example.com",
            "https://example.com#x",
            "https://example.com?x=1",
            "https://example.com\\@evil.com",
            "https://exa mple.com",
            "https://exämple.com",
            "https://example.com:0",
            "https://example.com:99999",
            "https://example.com:+80",
            "https://example.com:",
            "https://a..b",
            "https://example.com/a/../b",
            "https://example.com\n",
            "https://[::1",
            "https://[x]",
        ] {
            assert!(wrong_with(url).is_some(), "{url:?}");
        }
    }

    #[test]
    fn joining_keeps_the_host() {
        assert_eq!(join("https://a.example/v1/", "/x"), "https://a.example/v1/x");
        assert_eq!(join("https://a.example", "//evil.example/x"), "https://a.example/evil.example/x");
        assert_eq!(join("https://a.example", "@evil.example"), "https://a.example/@evil.example");
    }

    #[test]
    fn an_encoded_step_is_one_step() {
        assert_eq!(encode_step("a b/../?#é"), "a%20b%2F..%2F%3F%23%C3%A9");
        assert_eq!(encode_step(".."), "%2E%2E");
    }
}

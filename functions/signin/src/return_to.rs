//! Where a browser goes after sign-in: a path of this site, whatever was asked for.

use shared::egress::Url;

/// Longer paths are not kept: they travel in a cookie.
const MAX_BYTES: usize = 512;

/// The path that was asked for if it is one of this site's, otherwise the front page.
pub(crate) fn local_path(asked: Option<&str>, public_url: &Url) -> String {
    asked.and_then(|path| checked(path, public_url)).unwrap_or_else(|| "/".to_owned())
}

fn checked(path: &str, public_url: &Url) -> Option<String> {
    // Browsers read a backslash as a slash and skip tabs and line ends; neither is let through to be read in two ways.
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain || path.len() > MAX_BYTES || !path.starts_with('/') || path.starts_with("//") {
        return None;
    }
    let there = public_url.join(path).ok()?;
    let mut local = there.path().to_owned();
    if there.origin() != public_url.origin() || local.starts_with("//") || local.starts_with("/auth/") {
        return None;
    }
    if let Some(query) = there.query() {
        local = format!("{local}?{query}");
    }
    Some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat A14.
    #[test]
    fn nobody_is_sent_to_another_site() {
        let public = Url::parse("https://signalbox.example").unwrap();
        for good in ["/", "/jobs", "/runs/1?state=failed&x=%2F", "/a/b.c~d"] {
            assert_eq!(local_path(Some(good), &public), good);
        }
        for bad in [
            "",
            "jobs",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%0d%0aSet-Cookie: a=b ",
            "/\r\nx: y",
            "/é",
            "/auth/logout",
            "/auth/login",
            "/x/../auth/login",
            "/./auth/login",
            "@evil.example",
            "?x",
            "#x",
        ] {
            assert_eq!(local_path(Some(bad), &public), "/", "{bad:?}");
        }
        assert_eq!(local_path(None, &public), "/");
        assert_eq!(local_path(Some(&format!("/{}", "a".repeat(511))), &public).len(), 512);
        assert_eq!(local_path(Some(&format!("/{}", "a".repeat(512))), &public), "/");
        assert_eq!(local_path(Some("/a#b"), &public), "/a");
    }
}

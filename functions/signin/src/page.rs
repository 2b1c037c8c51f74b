//! The page of a refusal: it must work where nothing else does, so it loads nothing.

/// Nothing but the page's own style, named by its digest.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'sha256-qeTGmzAitn3v+8pr9SVAE6F+IXwJhwfWkJXwKrEE0vg='; \
                                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A refusal for people. Title, detail and code are ours; the id is the gateway's and plain.
pub(crate) fn refusal(title: &str, detail: &str, code: &str, request_id: &str) -> String {
    include_str!("page.html")
        .replace("{{title}}", title)
        .replace("{{detail}}", detail)
        .replace("{{code}}", code)
        .replace("{{request_id}}", request_id)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn the_policy_names_the_pages_style() {
        let page = refusal("T", "D", "c", "r");
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        let named = format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, style.as_bytes())));
        assert!(POLICY.contains(&named), "{named}");
        assert!(!rest.contains("style") && !rest.contains("{{") && !rest.contains("<script"));
    }
}

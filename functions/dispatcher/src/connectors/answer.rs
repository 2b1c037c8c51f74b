//! From what a platform answered, or did not, to the engine's words. The same rules for every kind that speaks HTTP.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822};
use serde_json::Value;
use shared::{
    egress::{EgressError, Response, StatusCode, header},
    engine::Outcome,
    model::{connection::encode_step, state::Failure},
    secrets::Secret,
};

/// The longest excerpt of an upstream body that is kept, in characters.
const EXCERPT: usize = 300;

/// Longest `Retry-After` that is believed, in seconds.
const LONGEST_RETRY_AFTER_S: i64 = 900;

/// The longest answer that is read.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// A refusal that no second try would change.
pub(super) fn permanent(message: impl Into<String>) -> Outcome {
    failed(Failure::Permanent, message)
}

/// A failure of a class.
pub(super) fn failed(class: Failure, message: impl Into<String>) -> Outcome {
    Outcome::Failed { class, message: message.into(), retry_after_s: None, platform_state: None }
}

/// A run that goes on, though the question about it failed.
pub(super) fn running(warning: impl Into<String>) -> Outcome {
    Outcome::Running { platform_state: None, warning: Some(warning.into()) }
}

/// A start whose request failed: refused for certain, or in doubt.
pub(super) fn start_failed(error: EgressError) -> Outcome {
    match error {
        EgressError::Refused(_) => permanent(format!("The platform was not called: {error}.")),
        EgressError::TooLarge { status } if status.is_client_error() => {
            failed(class_of(status), says(status, ""))
        }
        _ if error.never_left() => {
            failed(Failure::Transient, format!("The platform was not reached: {error}."))
        }
        _ => {
            Outcome::Unknown { message: format!("The start was sent and its answer was not seen: {error}.") }
        }
    }
}

/// A start that was answered with a status that is not success. After a 5xx it may have begun all the same (503 says that it
/// did not), so that is a doubt and no failure.
pub(super) fn start_refused(answer: &Response, secret: Option<&Secret>) -> Outcome {
    if matches!(answer.status.as_u16(), 408 | 500..=502 | 504..=599) {
        return Outcome::Unknown { message: clip(&says(answer.status, &excerpt(answer, secret)), 450) };
    }
    let retry_after_s = retry_after_s(answer);
    let class = match answer.status {
        // It says when it will take work again: no attempt is used up.
        StatusCode::SERVICE_UNAVAILABLE if retry_after_s.is_some() => Failure::Throttled,
        status => class_of(status),
    };
    let message = says(answer.status, &excerpt(answer, secret));
    Outcome::Failed { class, message, retry_after_s, platform_state: None }
}

/// A question that was answered with a status that is not success. A run that is not there any more is the caller's to judge.
pub(super) fn poll_refused(answer: &Response, secret: Option<&Secret>) -> Outcome {
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Missing,
        status => running(clip(&says(status, &excerpt(answer, secret)), 450)),
    }
}

/// What a status means for trying again (contracts' shared retry rules).
pub(super) fn class_of(status: StatusCode) -> Failure {
    match status.as_u16() {
        429 => Failure::Throttled,
        401 | 403 => Failure::Auth,
        408 | 500..=599 => Failure::Transient,
        _ => Failure::Permanent,
    }
}

/// `Retry-After` in seconds: a number, or an HTTP date counted from the answer's own `Date` (RFC 9110 10.2.3). At most 15
/// minutes; absurd or past is 0.
pub(super) fn retry_after_s(answer: &Response) -> Option<i64> {
    let text = answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = answer.headers.get(header::DATE)?.to_str().ok()?;
            http_date(text)?.as_second() - http_date(date)?.as_second()
        }
    };
    Some(seconds.clamp(0, LONGEST_RETRY_AFTER_S))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The body as JSON, where it says it is or looks like it.
pub(super) fn json(answer: &Response) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

/// Whether a page for people came where a program's answer was expected: usually a sign-in page in between.
pub(super) fn is_page(answer: &Response) -> bool {
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// A sentence of what a status and an excerpt say.
pub(super) fn says(status: StatusCode, excerpt: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("unnamed status");
    let redirect = if status.is_redirection() { " Redirects are not followed." } else { "" };
    match excerpt {
        "" => format!("The platform answered {} {reason}.{redirect}", status.as_u16()),
        excerpt => format!("The platform answered {} {reason}: {excerpt}{redirect}", status.as_u16()),
    }
}

/// The beginning of a body, without the secret in any of the forms a platform may echo it.
pub(super) fn excerpt(answer: &Response, secret: Option<&Secret>) -> String {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(16 * 1024)]);
    redact(&text, secret)
}

/// A text without the secret, on one line, cut.
pub(super) fn redact(text: &str, secret: Option<&Secret>) -> String {
    let line: String = without(text, secret).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clip(line.trim(), EXCERPT)
}

/// Outputs without the secret: a service may echo what it was sent, and outputs are shown to everyone who sees the run.
pub(super) fn redact_outputs(outputs: Value, secret: Option<&Secret>) -> Value {
    match outputs {
        Value::String(text) => Value::String(without(&text, secret)),
        Value::Array(items) => items.into_iter().map(|item| redact_outputs(item, secret)).collect(),
        Value::Object(fields) => {
            let clean =
                |(name, value): (String, Value)| (without(&name, secret), redact_outputs(value, secret));
            Value::Object(fields.into_iter().map(clean).collect())
        }
        other => other,
    }
}

/// Without the secret in any of the forms a platform may echo it.
fn without(text: &str, secret: Option<&Secret>) -> String {
    let Some(plain) = secret.and_then(Secret::expose_str).filter(|s| !s.is_empty()) else {
        return text.to_owned();
    };
    let escaped = Value::String(plain.to_owned()).to_string();
    let forms =
        [plain.to_owned(), escaped.trim_matches('"').to_owned(), STANDARD.encode(plain), encode_step(plain)];
    let text = forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "[redacted]"));
    // Basic credentials: the secret's encoding depends on what stands before it, so any such header goes.
    ["Basic ", "basic ", "Bearer ", "bearer "]
        .iter()
        .fold(text, |text, scheme| without_word_after(&text, scheme))
}

fn without_word_after(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(mark);
        out.push_str("[redacted]");
        let end = part
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '<'))
            .unwrap_or(part.len());
        out.push_str(&part[end..]);
    }
    out
}

/// Whether a step of a path is one of dots, plain or encoded: a URL's parser takes either for a climb (WHATWG URL, 4.4).
pub(super) fn climbs(path: &str) -> bool {
    let steps = path.split(['?', '#']).next().unwrap_or_default().split(['/', '\\']);
    steps.map(|step| step.to_ascii_lowercase().replace("%2e", ".")).any(|step| step == "." || step == "..")
}

/// The beginning of a text.
pub(super) fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use shared::egress::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Response {
        let headers: HeaderMap =
            headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_never_absurd() {
        let after = |headers| retry_after_s(&answer(429, headers, ""));
        assert_eq!(after(&[("retry-after", "7")]), Some(7));
        assert_eq!(after(&[("retry-after", "-7")]), Some(0));
        assert_eq!(after(&[("retry-after", "99999999")]), Some(900));
        assert_eq!(after(&[("retry-after", "soon")]), None);
        assert_eq!(after(&[]), None);
        let dated =
            [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(retry_after_s(&answer(503, &dated, "")), Some(10));
    }

    #[test]
    fn a_status_has_the_class_the_contracts_give_it() {
        let class = |code| class_of(StatusCode::from_u16(code).unwrap());
        assert_eq!([429, 401, 403].map(class), [Failure::Throttled, Failure::Auth, Failure::Auth]);
        assert_eq!([408, 500, 502, 503, 504].map(class), [Failure::Transient; 5]);
        assert_eq!([302, 400, 404, 409, 422].map(class), [Failure::Permanent; 5]);
    }

    #[test]
    fn a_path_with_a_step_of_dots_climbs_and_one_without_stays_where_it_is_written() {
        for path in ["/a/../b", "/a/%2E%2e/b", ".", "/a/.%2E", "/a\\..\\b"] {
            assert!(climbs(path), "{path}");
        }
        for path in ["", "/a/..b/c", "/a/...", "/a?x=/../y"] {
            assert!(!climbs(path), "{path}");
            let url = format!("https://h.example/{}", path.trim_start_matches('/'));
            let parsed = shared::egress::Url::parse(&url).unwrap();
            assert_eq!(parsed.as_str(), url, "{path}");
        }
    }

    #[test]
    fn a_secret_that_is_echoed_is_redacted_in_every_form() {
        let secret = Secret::new(b"s3cr3t/x".to_vec());
        let echo =
            "plain s3cr3t/x b64 czNjcjN0L3g= url s3cr3t%2Fx header Basic dTpzM2NyM3QveA== Bearer abc\"";
        let text = redact(echo, Some(&secret));
        for form in ["s3cr3t", "czNjcjN0", "dTpzM2NyM3QveA", "abc"] {
            assert!(!text.contains(form), "{form} in {text}");
        }
        let echo = serde_json::json!({ "headers": [{ "authorization": "Basic dTpzM2NyM3QveA==" }, "s3cr3t/x"], "n": 1 });
        let outputs = redact_outputs(echo, Some(&secret)).to_string();
        assert!(
            !outputs.contains("s3cr3t") && !outputs.contains("dTpz") && outputs.contains("\"n\":1"),
            "{outputs}"
        );
    }

    #[test]
    fn only_a_request_that_never_left_is_a_plain_failure() {
        assert!(matches!(
            start_failed(EgressError::Connect),
            Outcome::Failed { class: Failure::Transient, .. }
        ));
        assert!(matches!(start_failed(EgressError::Timeout), Outcome::Unknown { .. }));
        assert!(matches!(start_failed(EgressError::Broken), Outcome::Unknown { .. }));
        let too_large = |status| start_failed(EgressError::TooLarge { status });
        assert!(matches!(
            too_large(StatusCode::BAD_REQUEST),
            Outcome::Failed { class: Failure::Permanent, .. }
        ));
        assert!(matches!(too_large(StatusCode::BAD_GATEWAY), Outcome::Unknown { .. }));
        let start = |status| start_refused(&answer(status, &[], "no"), None);
        assert!([500, 502, 504].into_iter().all(|s| matches!(start(s), Outcome::Unknown { .. })));
        assert!([400, 401, 409, 429, 503].into_iter().all(|s| matches!(start(s), Outcome::Failed { .. })));
    }
}

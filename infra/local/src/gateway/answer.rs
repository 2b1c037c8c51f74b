//! A function's answer as an HTTP response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Headers that belong to the connection: the server sets its own.
const NOT_FORWARDED: [HeaderName; 4] =
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];

/// AWS "Lambda function response for format 2.0": with a `statusCode`, status, headers, cookies and body; without one,
/// valid JSON is the body of a 200. `None` when the answer is neither.
pub(super) fn response(answer: &[u8]) -> Option<Response<Body>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let Some(status) = answer.get("statusCode") else {
        let body = Body::from(answer.to_string());
        return Response::builder().header(header::CONTENT_TYPE, "application/json").body(body).ok();
    };
    let mut response = Response::new(body(&answer)?);
    *response.status_mut() = StatusCode::from_u16(u16::try_from(status.as_u64()?).ok()?).ok()?;
    let single = answer.get("headers").and_then(Value::as_object);
    let many = answer.get("multiValueHeaders").and_then(Value::as_object);
    let in_single = |name: &str| single.is_some_and(|single| single.contains_key(name));
    for (name, value) in single.into_iter().flat_map(Map::iter) {
        add(&mut response, name, value)?;
    }
    for (name, value) in many.into_iter().flat_map(Map::iter).filter(|(name, _)| !in_single(name)) {
        add(&mut response, name, value)?;
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        add(&mut response, header::SET_COOKIE.as_str(), cookie)?;
    }
    if answer.get("body").and_then(Value::as_str).is_some_and(|body| !body.is_empty()) {
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(text);
    }
    Some(response)
}

fn body(answer: &Value) -> Option<Body> {
    let text = match answer.get("body") {
        None | Some(Value::Null) => return Some(Body::empty()),
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    if answer.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false) {
        return Some(Body::from(STANDARD.decode(text).ok()?));
    }
    Some(Body::from(text.clone()))
}

fn add(response: &mut Response<Body>, name: &str, value: &Value) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    if NOT_FORWARDED.contains(&name) {
        return Some(());
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    for value in values {
        let value = match value {
            Value::String(text) => HeaderValue::from_str(text).ok()?,
            Value::Number(_) | Value::Bool(_) => HeaderValue::from_str(&value.to_string()).ok()?,
            _ => return None,
        };
        response.headers_mut().append(name.clone(), value);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Option<(u16, Response<Body>)> {
        response(answer.as_bytes()).map(|response| (response.status().as_u16(), response))
    }

    #[test]
    fn status_headers_and_cookies_come_through() {
        let answer = r#"{"statusCode":302,"headers":{"location":"/","content-length":"9"},
            "multiValueHeaders":{"x-many":["a","b"],"location":["/other"]},"cookies":["a=1","b=2"],"body":""}"#;
        let (status, response) = read(answer).unwrap();
        let all =
            |name| response.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(status, 302);
        assert_eq!(all("location"), ["/"]);
        assert_eq!(all("x-many"), ["a", "b"]);
        assert_eq!(all("set-cookie"), ["a=1", "b=2"]);
        assert_eq!(all("content-length"), [""; 0]);
    }

    #[test]
    fn json_without_a_status_is_the_body_of_a_200() {
        let (status, response) = read(r#"{"ok":true}"#).unwrap();
        assert_eq!((status, response.headers()["content-type"].to_str().unwrap()), (200, "application/json"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for answer in [
            "",
            "not json",
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"body":{}}"#,
        ] {
            assert!(read(answer).is_none(), "{answer}");
        }
        assert!(read(r#"{"statusCode":200,"headers":{"a b":"c"}}"#).is_none());
    }
}

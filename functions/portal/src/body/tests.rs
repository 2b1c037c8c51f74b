//! Bodies, right and wrong.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde only")]
struct Thing {
    name: String,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde only")]
struct Part {
    size: u8,
}

fn told(body: &str) -> String {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
    let fault = read::<Thing>(&headers, &Bytes::from(body.to_owned())).unwrap_err();
    String::from_utf8(fault.into_reply("r").body.to_vec()).unwrap()
}

#[test]
fn a_mistake_is_told_with_its_pointer() {
    for (body, pointer) in [
        (r#"{"name":"a","tenant_id":"x"}"#, "/tenant_id"),
        (r#"{"name":"a","parts":[{"size":1},{"size":2,"role":"x"}]}"#, "/parts/1/role"),
        (r#"{"name":"a","parts":[{"size":"big"}]}"#, "/parts/0/size"),
        (r#"{"name":"a","parts":[{"size":300}]}"#, "/parts/0/size"),
        (r#"{"name":"a\u0000"}"#, "/name"),
        (r#"{}"#, "/name"),
        (r#"{"name":1}"#, "/name"),
    ] {
        let told = told(body);
        assert!(told.contains(&format!("\"pointer\":\"{pointer}\"")), "{body}: {told}");
    }
}

#[test]
fn what_is_not_one_json_value_without_doubles_is_refused() {
    for body in [
        r#"{"name":"a","name":"b"}"#,
        "{",
        "{} {}",
        "\u{feff}{}",
        "[1e400]",
        "nul",
        "[]",
        r#"["a"]"#,
        r#"{"name":"a",}"#,
    ] {
        assert!(told(body).contains("invalid_request"), "{body}");
    }
}

#[test]
fn depth_is_counted_before_anything_is_built() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(!is_too_deep(nested(MAX_DEPTH).as_bytes()));
    assert!(is_too_deep(nested(MAX_DEPTH + 1).as_bytes()));
    assert!(told(&nested(1000)).contains("too_deep"));
    assert!(!is_too_deep(
        br#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[["}"#
    ));
}

#[test]
fn only_json_is_read_and_no_body_is_an_empty_object() {
    let body = Bytes::from_static(br#"{"name":"a"}"#);
    assert!(read::<Thing>(&HeaderMap::new(), &body).is_err());
    assert!(read::<Map<String, Value>>(&HeaderMap::new(), &Bytes::new()).is_ok());
}

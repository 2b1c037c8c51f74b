use axum::http::Request;

use super::*;

fn event(request: Request<&str>, key: &str) -> Value {
    let (parts, body) = request.into_parts();
    let path = decoded_path(parts.uri.path());
    let parameters = BTreeMap::from([("proxy", "callback".to_owned())]);
    let hit = Hit { key, function: "signin", parameters };
    let peer = "127.0.0.1:50000".parse().unwrap();
    let call = Call { parts: &parts, path: &path, body: body.as_bytes(), peer, hit: &hit, account: "0" };
    serde_json::from_slice(&call.event().unwrap()).unwrap()
}

#[test]
fn the_event_has_the_shape_of_payload_format_2() {
    let request = Request::post("/auth/callback?code=a%20b&x=1&x=2")
        .header("Host", "127.0.0.1:8080")
        .header("Cookie", "a=1; b=2")
        .header("Cookie", "c=3")
        .header("X-Many", "one")
        .header("X-Many", "two")
        .header("User-Agent", "curl/8")
        .header("Content-Type", "application/json; charset=utf-8")
        .body(r#"{"a":1}"#)
        .unwrap();
    let event = event(request, "ANY /auth/{proxy+}");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /auth/{proxy+}");
    assert_eq!(event["rawPath"], "/auth/callback");
    assert_eq!(event["rawQueryString"], "code=a%20b&x=1&x=2");
    assert_eq!(event["queryStringParameters"], json!({"code": "a b", "x": "1,2"}));
    assert_eq!(event["pathParameters"], json!({"proxy": "callback"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
    assert_eq!(event["headers"]["x-many"], "one,two");
    assert_eq!(event["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(r#"{"a":1}"#), &json!(false)));
    let context = &event["requestContext"];
    assert_eq!(context["domainName"], "127.0.0.1");
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["path"], "/auth/callback");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "curl/8");
    assert!(context["timeEpoch"].is_i64() && context["time"].is_string());
}

#[test]
fn a_form_is_base64_and_an_empty_body_is_absent() {
    let form = Request::post("/").header("host", "localhost");
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("a=1").unwrap();
    let with_form = event(form, "$default");
    assert_eq!((&with_form["body"], &with_form["isBase64Encoded"]), (&json!("YT0x"), &json!(true)));
    let empty = event(Request::get("/").header("host", "localhost").body("").unwrap(), "$default");
    assert_eq!((empty.get("body"), &empty["isBase64Encoded"]), (None, &json!(false)));
}

#[test]
fn the_path_is_decoded_and_cut_at_a_decoded_question_mark() {
    assert_eq!(decoded_path("/runs/a%2Fb%20c"), "/runs/a/b c");
    assert_eq!(decoded_path("/runs/a%3Fb=1"), "/runs/a");
}

#[test]
fn a_request_without_a_usable_host_makes_no_event() {
    for host in ["", "a b", "user@host"] {
        let (parts, ()) = Request::get("/").header("host", host).body(()).unwrap().into_parts();
        let hit = Hit { key: "$default", function: "portal", parameters: BTreeMap::new() };
        let peer = "127.0.0.1:50000".parse().unwrap();
        let call = Call { parts: &parts, path: "/", body: b"", peer, hit: &hit, account: "0" };
        assert_eq!(call.event(), None, "{host:?}");
    }
}

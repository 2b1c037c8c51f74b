//! Claims about the `http` kind's data.

use serde_json::json;

use super::super::{Settings as AnySettings, Start as AnyStart, idempotency};
use super::*;

fn pointers<T>(read: Result<T, Vec<crate::model::Problem>>) -> Vec<String> {
    read.err().unwrap_or_default().into_iter().map(|p| p.pointer).collect()
}

fn settings(body: Value) -> Result<AnySettings, Vec<crate::model::Problem>> {
    AnySettings::read(ConnectionKind::Http, &body)
}

fn start(body: Value) -> Result<AnyStart, Vec<crate::model::Problem>> {
    AnyStart::read(ConnectionKind::Http, &body)
}

#[test]
fn each_way_to_authenticate_reads_and_needs_a_credential_but_none() {
    for (auth, needs) in [
        (json!({ "type": "none" }), false),
        (json!({ "type": "basic", "user": "u" }), true),
        (json!({ "type": "bearer" }), true),
        (json!({ "type": "header", "name": "X-Api-Key" }), true),
    ] {
        let read = settings(json!({ "base_url": "https://a.example", "auth": auth })).expect("settings");
        assert_eq!(read.needs_credential(), needs, "{auth}");
    }
    assert!(!settings(json!({ "base_url": "https://a.example" })).expect("settings").needs_credential());
}

#[test]
fn auth_takes_no_secret_and_no_unknown_field() {
    for auth in [
        json!({ "type": "basic", "user": "u", "password": "p" }),
        json!({ "type": "bearer", "token": "t" }),
        json!({ "type": "none", "user": "u" }),
        json!({ "type": "kerberos" }),
        json!({ "type": "header", "name": "Authorization" }),
        json!({ "type": "header", "name": "x y" }),
        json!("none"),
    ] {
        assert!(settings(json!({ "base_url": "https://a.example", "auth": auth })).is_err(), "{auth}");
    }
}

#[test]
fn a_start_stays_on_its_host() {
    for path in
        ["http://evil.example/x", "//evil.example", "x", "", "/a/../b", "/a#b", "/a\\b", "/a b", "/a?b=1"]
    {
        assert_eq!(pointers(start(json!({ "path": path }))), ["/path"], "{path}");
    }
    for path in ["/", "/jobs/17/runs", "/jobs/{{ params.id }}/runs"] {
        assert!(start(json!({ "path": path })).is_ok(), "{path}");
    }
}

#[test]
fn headers_cannot_smuggle() {
    for (name, value) in [("Host", "x"), ("authorization", "Bearer x"), ("a b", "x"), ("X", "a\r\nB: c")] {
        let body = json!({ "path": "/", "headers": { name: value } });
        assert!(!pointers(start(body)).is_empty(), "{name}");
    }
    assert!(start(json!({ "path": "/", "headers": { "X-Day": "{{ params.day }}" } })).is_ok());
}

#[test]
fn a_poll_says_what_success_is() {
    let poll = |states: Value| json!({ "path": "/", "poll": { "path": "/{run_id}", "state_pointer": "/s", "states": states } });
    assert!(start(poll(json!({ "DONE": "succeeded" }))).is_ok());
    assert_eq!(pointers(start(poll(json!({ "DONE": "failed" })))), ["/poll/states"]);
    assert_eq!(pointers(start(poll(json!({ "DONE": "great" })))), ["/poll/states/DONE"]);
    assert_eq!(pointers(start(json!({ "path": "/", "cancel": { "path": "/c" } }))), ["/cancel"]);
}

#[test]
fn a_post_without_an_idempotency_header_happens_at_most_once() {
    let plain = settings(json!({ "base_url": "https://a.example" })).expect("settings");
    let keyed = settings(json!({ "base_url": "https://a.example", "idempotency_header": "Idempotency-Key" }));
    let post = start(json!({ "path": "/" })).expect("a start");
    let put = start(json!({ "path": "/", "method": "PUT" })).expect("a start");
    assert_eq!(idempotency(&plain, &post), IdempotencyClass::None);
    assert_eq!(idempotency(&plain, &put), IdempotencyClass::Token);
    assert_eq!(idempotency(&keyed.expect("settings"), &post), IdempotencyClass::Token);
}

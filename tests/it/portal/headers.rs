//! What stands around every answer: its id, the headers of safety, and who may send a request at all.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Anonymous, Caller, Proof, send},
    stack, tenant, work,
};

#[test]
fn a_form_of_another_site_cannot_use_the_cookie() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let nobody = Caller::new(stack.url(), Proof::None);
        let cookie = format!("__Host-signalbox={}", tenant.administrator.token());
        let body = json!({ "name": "v", "kind": "managed" });
        let port = stack.url().rsplit(':').next().expect("a port").to_owned();
        let others = [
            None,
            Some("null".to_owned()),
            Some(String::new()),
            Some("https://attacker.example".to_owned()),
            Some(format!("{}.attacker.example", stack.url())),
            Some(format!("http://localhost:{port}")),
            Some(format!("https://127.0.0.1:{port}")),
            Some("http://127.0.0.1:1".to_owned()),
            Some(format!("{}/", stack.url())),
        ];
        for origin in others {
            let request = nobody.request(Method::POST, "/vaults").header("cookie", &cookie).json(&body);
            let request = match &origin {
                Some(origin) => request.header("origin", origin),
                None => request,
            };
            let refused = send(request).await;
            assert_eq!(refused.status, 403, "{origin:?}: {}", refused.text());
        }
        assert_eq!(work::all(&tenant.administrator, "/vaults").await, Vec::<Value>::new());
        tenant.administrator.in_browser().post("/vaults", &body).await.expect(201);
        // Reading needs no origin; browsers send none.
        send(nobody.request(Method::GET, "/vaults").header("cookie", &cookie)).await.expect(200);
    });
}

#[test]
fn every_answer_has_an_id_of_our_own_and_says_not_to_sniff() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let nobody = Anonymous::at(stack.url());
        let mut ids = Vec::new();
        for (caller, path) in [
            (&*nobody, "/health"),
            (&*nobody, "/openapi.json"),
            (&*nobody, "/me"),
            (&*nobody, "/nowhere"),
            (&*nobody, "//"),
            (&*nobody, "//nowhere"),
            (&*tenant.operator, "/me"),
            (&*tenant.operator, "/vaults"),
            (&*tenant.operator, "/runs/x"),
        ] {
            let forged = "an-id-of-the-callers-own";
            let answer = send(caller.request(Method::GET, path).header("x-request-id", forged)).await;
            let id = answer.header("x-request-id").to_owned();
            assert!(!id.is_empty() && id != forged, "{path}: {id:?}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            if answer.status >= 400 && answer.header("content-type") == "application/problem+json" {
                assert_eq!(answer.json()["request_id"], json!(id), "{path}");
            }
            ids.push(id);
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 9, "each its own");
    });
}

#[test]
fn pages_carry_a_closed_policy() {
    stack::with(async |stack| {
        let nobody = Anonymous::at(stack.url());
        for path in
            ["//", "//signin", "//jobs", "//runs", "//connections", "//schedules", "//users", "//audit"]
        {
            let page = nobody.get(path).await;
            assert_eq!(
                (page.status, page.header("content-type")),
                (200, "text/html; charset=utf-8"),
                "{path}"
            );
            let policy = page.header("content-security-policy");
            for rule in
                ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
            {
                assert!(policy.contains(rule), "{path}: {rule} is not in {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert!(
                page.header("referrer-policy") == "same-origin"
                    || page.header("referrer-policy") == "no-referrer"
            );
        }
    });
}

#[test]
fn health_says_nothing_but_ok() {
    stack::with(async |stack| {
        let health = Anonymous::at(stack.url()).get("/health").await;
        let said = health.expect(200);
        assert!(said.as_object().is_some_and(|said| said.len() == 1), "{said}");
        assert!(health.body.len() < 30, "{said}");
    });
}

#[test]
fn the_document_is_valid_and_complete() {
    stack::with(async |stack| {
        let document = Anonymous::at(stack.url()).get("/openapi.json").await;
        assert!(document.header("content-type").starts_with("application/json"));
        let document = document.expect(200);
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        let mut ids = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            assert!(path.starts_with("/api/v1/"), "{path}");
            for (method, operation) in item.as_object().expect("operations") {
                let id =
                    operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
                ids.push(id.to_owned());
                assert!(operation["x-permission"].is_string(), "{method} {path} does not say who may");
                assert!(operation["responses"].as_object().is_some_and(|responses| responses.len() >= 2));
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "operation ids are unique");
        assert!(count >= 40, "{count} operations");
    });
}

fn collect(node: &Value, into: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|node| collect(node, into));
        }
        Value::Array(items) => items.iter().for_each(|node| collect(node, into)),
        _ => {}
    }
}

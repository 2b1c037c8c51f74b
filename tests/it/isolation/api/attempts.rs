//! Every id of another tenant in every place that takes one: the answer is that of an id which never was, to the byte.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    stack,
    tenant::random_id,
    work,
};

use super::{
    document::{Operation, Reference, operations},
    planted::Planted,
};

/// One request of a kind that must be answered like another.
struct Attempt {
    path: String,
    body: Option<Value>,
}

async fn make(by: &Caller, operation: &Operation, attempt: &Attempt) -> Answer {
    let request = by.request(operation.method.clone(), &attempt.path);
    let request = match &attempt.body {
        Some(body) => request.json(body),
        None => request,
    };
    send(request).await
}

/// What may be compared: everything but the request's id and the hour. An answer that shows what was made shows fresh ids.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    // The length follows from the body, which is compared.
    let aside = ["x-request-id", "apigw-requestid", "date", "etag", "location", "content-length"];
    let kept = |name: &str| answer.status >= 300 && ["etag", "location"].contains(&name);
    let headers =
        answer.headers.iter().filter(|(name, _)| !aside.contains(&name.as_str()) || kept(name.as_str()));
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    let mut body = answer.json();
    if answer.status >= 300 {
        if let Some(problem) = body.as_object_mut() {
            problem.insert("request_id".to_owned(), json!(""));
        }
    } else {
        blank(&mut body);
    }
    (answer.status, headers, body.to_string())
}

/// Takes fresh ids, names and instants out of what was made.
fn blank(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(blank),
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::String(text) if is_fresh(text) => text.clear(),
        _ => {}
    }
}

fn is_fresh(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
        || text.parse::<jiff::Timestamp>().is_ok()
        || text.starts_with("name-")
        || text.starts_with("sbx_")
        || text.contains("/auth/login?invitation=sbi_")
}

/// The path of an operation with another value for one of its open parts.
fn path_with(ours: &Planted, operation: &Operation, at: usize, value: &str) -> String {
    let parts = operation.parts();
    parts.iter().enumerate().fold(operation.path.clone(), |path, (n, (collection, part))| {
        let value = if n == at { value } else { ours.part(collection, part) };
        path.replacen(&format!("{{{part}}}"), value, 1)
    })
}

/// An id of ours that is not there any more; a name or number that never was, for what has no id.
async fn deleted(ours: &Planted, collection: &str) -> String {
    let by = &ours.tenant.administrator;
    let made = match collection {
        "vaults" => work::vault(by, &work::fresh("gone")).await,
        "concurrency-profiles" => {
            let body = json!({ "name": work::fresh("gone"), "limit": 1 });
            by.post("/concurrency-profiles", &body).await.expect(201)
        }
        "jobs" => work::job(by, &work::fresh("gone"), &work::chain(&ours.names["connection"], 1)).await,
        "users" => {
            let body = json!({ "directory_id": random_id(), "object_id": random_id(), "role": "operator" });
            by.post("/users", &body).await.expect(201)
        }
        "roles" => {
            let body = json!({ "name": work::fresh("gone"), "permissions": ["runs.read"] });
            by.post("/roles", &body).await.expect(201)
        }
        "invitations" => by.post("/invitations", &json!({ "role": "operator" })).await.expect(201),
        "api-tokens" => {
            let body = json!({ "name": work::fresh("gone"), "permissions": ["runs.read"] });
            by.post("/api-tokens", &body).await.expect(201)
        }
        _ => return random_id().to_string(),
    };
    let removed = by.delete(&format!("/{collection}/{}", work::id(&made))).await;
    assert_eq!(removed.status, 204, "{}", removed.text());
    work::id(&made)
}

#[test]
fn every_operation_says_who_may_and_is_attacked() {
    stack::with(async |stack| {
        let (ours, operations) = (Planted::new(stack).await, operations(stack.url()).await);
        let mut places = 0;
        for operation in &operations {
            let permission = operation.permission.as_str();
            let known = ["public", "signed_in"].contains(&permission)
                || permission.parse::<shared::model::role::Permission>().is_ok();
            assert!(known, "{} does not say who may: {permission:?}", operation.id);
            let body = ours.body(operation);
            for reference in operation.references() {
                let filled = body.as_ref().and_then(|body| body.pointer(&reference.pointer));
                assert!(filled.is_some(), "{}: {} is in no attempt", operation.id, reference.pointer);
                places += 1;
            }
            assert!(!ours.path(operation).contains('{'), "{}", operation.path);
            places += operation.parts().len() + operation.query_ids.len();
        }
        assert!(places >= 35, "{places} places that take an id");
    });
}

#[test]
fn a_foreign_id_in_a_path_is_answered_like_one_that_never_was() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        theirs.rest(stack).await;
        let before = theirs.digest(stack).await;
        let mut tried = 0;
        for operation in operations(stack.url()).await {
            for (at, (collection, part)) in operation.parts().iter().enumerate() {
                let is_id = part == "id";
                let random = if is_id { random_id().to_string() } else { "4711".to_owned() };
                let mut others = vec![deleted(&ours, collection).await];
                if is_id {
                    others
                        .extend(theirs.ids.values().filter(|id| uuid::Uuid::parse_str(id).is_ok()).cloned());
                    others.extend([
                        theirs.tenant.id.to_string(),
                        "x".to_owned(),
                        "0".to_owned(),
                        "%27%20or%201=1".to_owned(),
                    ]);
                } else if collection == "credentials" {
                    others.push(theirs.part(collection, part).to_owned());
                }
                for by in [&ours.tenant.administrator.0, &ours.tenant.operator.0] {
                    // A name in a path may be written anew: there only what is read or deleted must be there.
                    if !is_id && operation.method == Method::PUT {
                        continue;
                    }
                    let body = ours.body(&operation);
                    let attempt = |value: &str| Attempt {
                        path: path_with(&ours, &operation, at, value),
                        body: body.clone(),
                    };
                    let absent = comparable(&make(by, &operation, &attempt(&random)).await);
                    assert!(absent.0 == 404 || absent.0 == 403, "{}: {absent:?}", operation.id);
                    for other in &others {
                        let answer = make(by, &operation, &attempt(other)).await;
                        assert_eq!(comparable(&answer), absent, "{} {part} = {other}", operation.id);
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 400, "{tried} attempts");
        assert_eq!(theirs.digest(stack).await, before, "nothing of theirs was touched");
    });
}

#[test]
fn a_foreign_id_in_a_query_is_answered_like_one_that_never_was() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        for operation in operations(stack.url()).await {
            for name in &operation.query_ids {
                for by in [&ours.tenant.administrator.0, &ours.tenant.operator.0] {
                    let ask = async |id: &str| {
                        let path = format!("{}?{name}={id}", ours.path(&operation));
                        comparable(&make(by, &operation, &Attempt { path, body: None }).await)
                    };
                    let absent = ask(&random_id().to_string()).await;
                    for id in theirs.ids.values().filter(|id| uuid::Uuid::parse_str(id).is_ok()) {
                        assert_eq!(ask(id).await, absent, "{} {name}", operation.id);
                    }
                }
            }
        }
    });
}

#[test]
fn a_foreign_id_in_a_body_is_answered_like_one_that_never_was() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        theirs.rest(stack).await;
        let before = theirs.digest(stack).await;
        let mut tried = 0;
        for operation in operations(stack.url()).await {
            for reference in operation.references() {
                for by in [&ours.tenant.administrator.0, &ours.tenant.operator.0] {
                    tried += body_attempts(by, &operation, &reference, &ours, &theirs).await;
                }
            }
        }
        assert!(tried > 60, "{tried} attempts");
        assert_eq!(theirs.digest(stack).await, before, "nothing of theirs was touched");
    });
}

/// One field of one body with everything of theirs; returns how many were tried.
async fn body_attempts(
    by: &Caller,
    operation: &Operation,
    reference: &Reference,
    ours: &Planted,
    theirs: &Planted,
) -> usize {
    let attempt = |value: &str| {
        let mut body = ours.body(operation).expect("a body");
        *body.pointer_mut(&reference.pointer).expect("a field of it") = json!(value);
        Attempt { path: ours.path(operation), body: Some(body) }
    };
    let random = if reference.is_id { random_id().to_string() } else { work::fresh("nobody") };
    let absent = comparable(&make(by, operation, &attempt(&random)).await);
    let people = ["directory_id", "object_id"].iter().any(|field| reference.pointer.ends_with(field));
    assert!(people || absent.0 >= 400, "{}{}: {absent:?}", operation.id, reference.pointer);
    let mut foreign: Vec<String> =
        theirs.ids.values().filter(|id| uuid::Uuid::parse_str(id).is_ok()).cloned().collect();
    foreign.extend(theirs.names.values().cloned());
    if reference.is_id {
        foreign.retain(|id| uuid::Uuid::parse_str(id).is_ok());
        foreign.extend([theirs.tenant.id.to_string(), theirs.tenant.directory.id.to_string()]);
        foreign.push(theirs.tenant.administrator_account.object_id.to_string());
        for malformed in ["", "x", "null", "00000000-0000-0000-0000-00000000000g"] {
            let answer = make(by, operation, &attempt(malformed)).await;
            assert!(
                [400, 403].contains(&answer.status),
                "{}{}: {}",
                operation.id,
                reference.pointer,
                answer.text()
            );
        }
    }
    // A problem may repeat what it was sent, and nothing but that.
    let absent = (absent.0, absent.1, absent.2.replace(&random, "it"));
    for id in &foreign {
        let (status, headers, body) = comparable(&make(by, operation, &attempt(id)).await);
        assert_eq!(
            (status, headers, body.replace(id, "it")),
            absent,
            "{}{} = {id}",
            operation.id,
            reference.pointer
        );
    }
    foreign.len()
}

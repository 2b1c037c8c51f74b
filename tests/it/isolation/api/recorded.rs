//! One audit row for each write that succeeds and for each read of what is sensitive; none for anything else.

use std::collections::BTreeSet;

use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    database, stack, tenant, work,
};

use super::{
    document::{Operation, operations},
    planted::Planted,
};

/// A `POST` that only computes.
const CHANGES_NOTHING: [&str; 1] = ["schedules_preview"];

/// Actions of the audit log, oldest first. What the platform does by itself comes when the steward has worked.
async fn actions(stack: &Stack, ours: &Planted) -> Vec<String> {
    let client = database::superuser(stack).await;
    let ask = format!(
        "select action from {}.audit where actor_name <> 'platform' order by tx, id",
        ours.tenant.schema
    );
    let rows = client.query(&ask, &[]).await.expect("the audit log");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn call(by: &Caller, ours: &Planted, operation: &Operation, body: Option<Value>) -> Answer {
    let request = by.request(operation.method.clone(), &ours.path(operation));
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[test]
fn a_read_leaves_no_trace_unless_it_is_of_what_is_sensitive_and_then_one() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        ours.rest(stack).await;
        let mut recorded = BTreeSet::new();
        for operation in operations(stack.url()).await.iter().filter(|o| o.method == Method::GET) {
            for by in [&ours.tenant.administrator.0, &ours.tenant.operator.0] {
                let (before, rows) = (ours.digest(stack).await, actions(stack, &ours).await.len());
                let answer = call(by, &ours, operation, None).await;
                let new = actions(stack, &ours).await.split_off(rows);
                let expected: Vec<String> = operation.recorded.iter().cloned().collect();
                if answer.status == 200 && !expected.is_empty() {
                    assert_eq!(new, expected, "{}", operation.id);
                    recorded.insert(operation.id.clone());
                    continue;
                }
                assert!(ours.digest(stack).await == before, "{} ({}) wrote", operation.id, answer.status);
                for method in [Method::HEAD, Method::OPTIONS] {
                    send(by.request(method, &ours.path(operation))).await;
                }
                // A HEAD is a GET whose answer is thrown away: it is recorded where a GET is.
                if expected.is_empty() {
                    assert!(ours.digest(stack).await == before, "{} wrote on HEAD or OPTIONS", operation.id);
                }
            }
        }
        let wanted = ["audit_export", "audit_list", "exports_file", "vaults_get", "vaults_list"];
        assert_eq!(recorded, wanted.map(str::to_owned).into());
    });
}

#[test]
fn a_sensitive_read_is_one_row_that_says_of_what_and_a_miss_is_none() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let by = &ours.tenant.administrator;
        let vault = &ours.ids["vaults"];
        let tag = by.get(&format!("/vaults/{vault}")).await.header("etag").to_owned();
        let rows = actions(stack, &ours).await.len();
        let same = by.request(Method::GET, &format!("/vaults/{vault}")).header("if-none-match", tag);
        assert_eq!(send(same).await.status, 304);
        by.get(&format!("/vaults/{}", tenant::random_id())).await.problem(404, "not_found");
        assert_eq!(actions(stack, &ours).await.split_off(rows), ["vault.read"]);
        let client = database::superuser(stack).await;
        let ask = format!(
            "select actor_id::text, target_kind, target_id::text, request_id <> '' from {}.audit order by tx desc, id desc limit 1",
            ours.tenant.schema
        );
        let row = client.query_one(&ask, &[]).await.expect("the row");
        let me = by.get("/me").await.expect(200);
        assert_eq!(json!(row.get::<_, String>(0)), me["user"]["id"]);
        assert_eq!((row.get::<_, String>(1).as_str(), &row.get::<_, String>(2)), ("vault", vault));
        assert!(row.get::<_, bool>(3));
    });
}

#[test]
fn a_write_that_succeeds_is_one_row_and_one_that_fails_is_none() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let mut operations = operations(stack.url()).await;
        operations.retain(|operation| operation.method != Method::GET && operation.permission != "public");
        // What is done to the workspace or to one's session comes last; before it what removes things, dependents first.
        let late = ["credentials_delete", "schedules_delete", "jobs_delete", "connections_delete"];
        operations.sort_by_key(|operation| {
            let renames = ["vaults_update", "connections_update"].contains(&operation.id.as_str());
            let place = late.iter().position(|id| *id == operation.id).map_or(8, |at| at);
            let is_whole = operation.permission.starts_with("workspace.");
            (operation.id == "me_switch", is_whole, operation.method == Method::DELETE, renames, place)
        });
        let (mut succeeded, mut refused) = (BTreeSet::new(), BTreeSet::new());
        let by = &ours.tenant.administrator;
        // What is planted is in use; these can go.
        let task = work::chain(&ours.names["connection"], 1);
        let http = json!({ "base_url": "https://example.com" });
        for (path, removed, body) in [
            ("/vaults", "vaults_delete", json!({ "kind": "managed" })),
            ("/concurrency-profiles", "concurrency_profiles_delete", json!({ "limit": 1 })),
            ("/connections", "connections_delete", json!({ "kind": "http", "settings": http })),
            ("/jobs", "jobs_delete", json!({ "tasks": task })),
        ] {
            let mut body = body.clone();
            body["name"] = json!(work::fresh("gone"));
            let made = by.post(path, &body).await.expect(201);
            let rows = actions(stack, &ours).await.len();
            by.delete(&format!("{path}/{}", work::id(&made))).await.expect(204);
            assert_eq!(actions(stack, &ours).await.len(), rows + 1, "{removed}");
            succeeded.insert(removed.to_owned());
        }
        for operation in &operations {
            for body in [Some(json!({ "nobody": "knows this" })), ours.body(operation)] {
                let rows = actions(stack, &ours).await.len();
                let body = body.filter(|_| operation.body.is_some());
                let answer = call(by, &ours, operation, body).await;
                let new = actions(stack, &ours).await.split_off(rows);
                let is_write =
                    (200..300).contains(&answer.status) && !CHANGES_NOTHING.contains(&operation.id.as_str());
                assert_eq!(new.len(), usize::from(is_write), "{}: {} {new:?}", operation.id, answer.text());
                if is_write {
                    succeeded.insert(operation.id.clone());
                } else {
                    refused.insert(operation.id.clone());
                }
            }
        }
        let never: Vec<&String> = refused.difference(&succeeded).collect();
        println!("audit: {} writes, never done: {never:?}", succeeded.len());
        assert!(succeeded.len() >= 26, "{succeeded:?}");
    });
}

#[test]
fn signing_in_and_out_is_one_row_each() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let rows = actions(stack, &ours).await.len();
        let again = tenant::signed_in(stack, &ours.tenant.operator_account).await.in_browser();
        assert_eq!(actions(stack, &ours).await.split_off(rows), ["session.start"]);
        for _ in 0..2 {
            send(again.request(Method::POST, "//auth/logout")).await;
        }
        assert_eq!(actions(stack, &ours).await.split_off(rows), ["session.start", "session.end"]);
        tenant::refused(stack, &ours.tenant.directory.person(stack, "eve")).await;
        assert_eq!(actions(stack, &ours).await.len(), rows + 2);
    });
}

//! `If-Match` over all operations: whoever documents it honours it, and nobody acts past one that they cannot honour.

use local::stack::Stack;
use reqwest::Method;
use serde_json::json;
use tests::{
    caller::{Answer, send},
    stack, tenant,
};

use super::{
    document::{Operation, operations},
    planted::{Planted, changed},
};

/// A tag that nothing ever had.
const ANOTHER: &str = "\"999.0123456789abcdef\"";

/// A proper request for what the document says it is, if it is still at this version.
async fn call(ours: &Planted, operation: &Operation, tag: &str) -> Answer {
    let by = &ours.tenant.administrator;
    let request = by.request(operation.method.clone(), &ours.path(operation)).header("if-match", tag);
    send(match ours.body(operation) {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn changing(stack: &Stack) -> Vec<Operation> {
    let mut all = operations(stack.url()).await;
    all.retain(|it| [Method::PUT, Method::PATCH, Method::DELETE].contains(&it.method));
    all
}

fn documents(operation: &Operation) -> bool {
    operation.headers.iter().any(|header| header == "if-match")
}

#[test]
fn nothing_is_done_to_what_is_at_another_version() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        ours.rest(stack).await;
        let before = ours.digest(stack).await;
        let mut refused = 0;
        for operation in changing(stack).await.iter().filter(|it| it.id != "workspace_undelete") {
            for tag in [ANOTHER, "\"\"", "unquoted", "\"1\u{e9}\""] {
                call(&ours, operation, tag).await.problem(412, "precondition_failed");
            }
            refused += 1;
        }
        assert!(refused >= 20, "{refused}");
        assert_eq!(changed(&before, &ours.digest(stack).await), "", "nothing was done");
    });
}

#[test]
fn what_can_be_read_names_its_version_and_is_changed_at_that_one() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let by = &ours.tenant.administrator;
        let all = operations(stack.url()).await;
        let mut done = Vec::new();
        let mut changing = changing(stack).await;
        // What is deleted is not changed afterwards.
        changing.sort_by_key(|it| it.method == Method::DELETE);
        for operation in changing.iter().filter(|it| it.id != "workspace_undelete") {
            let can_be_read = all.iter().any(|it| it.path == operation.path && it.method == Method::GET);
            assert_eq!(documents(operation), can_be_read, "{}", operation.id);
            if !can_be_read {
                continue;
            }
            let tag = by.get(&ours.path(operation)).await.header("etag").to_owned();
            let tags = format!("{ANOTHER}, W/{tag}");
            let answer = call(&ours, operation, &tags).await;
            // Whether it can be done beside what was done before is another question.
            assert_ne!(answer.json()["code"], "precondition_failed", "{}", operation.id);
            if answer.status < 300 {
                done.push(operation.id.clone());
            }
        }
        for wanted in
            ["api_tokens_delete", "invitations_delete", "backups_delete", "vaults_update", "users_update"]
        {
            assert!(done.iter().any(|id| id == wanted), "{wanted}: {done:?}");
        }
    });
}

#[test]
fn a_deletion_is_taken_back_at_the_version_that_was_read() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let name = by.get("/workspace").await.expect(200)["name"].clone();
        by.post("/workspace/deletion", &json!({ "name": name })).await.expect(202);
        let tag = by.get("/workspace/deletion").await.header("etag").to_owned();
        let undo = async |tag: &str| {
            send(by.request(Method::DELETE, "/workspace/deletion").header("if-match", tag)).await
        };
        undo(ANOTHER).await.problem(412, "precondition_failed");
        by.get("/workspace/deletion").await.expect(200);
        undo(&tag).await.expect(200);
        by.get("/workspace/deletion").await.problem(404, "not_found");
    });
}

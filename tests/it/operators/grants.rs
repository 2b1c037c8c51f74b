//! Grants: what they are asked for with, how many there may be, and how they end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    operator::{self, API},
    stack,
    tenant::{Workspace, random_id},
};

fn with(base: &Value, field: &str, value: Value) -> Value {
    let mut changed = base.clone();
    changed[field] = value;
    changed
}

/// Acceptance 21: no reason, no ticket, no end: no grant.
#[test]
fn a_grant_needs_reason_ticket_and_at_most_an_hour() {
    stack::with(async |stack| {
        let (operator, workspace) = (operator::new(stack).await, Workspace::claim(stack).await);
        let path = format!("{API}/grants");
        let base = operator::ask(workspace.id);
        for (field, value) in [
            ("reason", json!("")),
            ("reason", json!("too short")),
            ("reason", json!("          ")),
            ("reason", json!("x".repeat(501))),
            ("reason", json!("two\nlines of reason")),
            ("reason", json!(null)),
            ("ticket", json!("")),
            ("ticket", json!("  ")),
            ("ticket", json!("t".repeat(101))),
            ("ticket", json!(7)),
            ("minutes", json!(0)),
            ("minutes", json!(61)),
            ("minutes", json!(-1)),
            ("minutes", json!(1.5)),
            ("minutes", json!("30")),
            ("workspace_id", json!("x")),
            ("more", json!(1)),
        ] {
            let answer = operator.post(&path, &with(&base, field, value.clone())).await;
            answer.problem(400, "invalid_request");
            assert_eq!(answer.pointers(), [format!("/{field}")], "{field} {value}");
        }
        for field in ["reason", "ticket", "minutes", "workspace_id"] {
            let mut without = base.clone();
            without.as_object_mut().expect("an object").remove(field);
            operator.post(&path, &without).await.problem(400, "invalid_request");
        }
        operator
            .post(&path, &json!([workspace.id, "a reason of ten", "T", 1]))
            .await
            .problem(400, "invalid_request");
        let absent = operator.post(&path, &operator::ask(random_id())).await;
        absent.problem(400, "invalid_reference");
        for change in [
            with(&with(&base, "reason", json!("x".repeat(10))), "minutes", json!(1)),
            with(&with(&base, "reason", json!("ü".repeat(500))), "minutes", json!(60)),
            with(&base, "ticket", json!("t".repeat(100))),
        ] {
            let grant = operator.post(&path, &change).await.expect(201);
            operator::close(&operator, &grant).await;
        }
        let grants = operator.get(&path).await.expect(200);
        assert_eq!(
            grants["items"].as_array().map(Vec::len),
            Some(3),
            "what was refused left nothing: {grants}"
        );
    });
}

#[test]
fn one_grant_a_workspace_and_five_in_all_are_open_at_once() {
    stack::with(async |stack| {
        let operator = operator::new(stack).await;
        let path = format!("{API}/grants");
        let mut workspaces = Vec::new();
        for _ in 0..7 {
            workspaces.push(Workspace::claim(stack).await.id);
        }
        let first = operator::grant(&operator, workspaces[0]).await;
        operator.post(&path, &operator::ask(workspaces[0])).await.problem(409, "grant_open");
        for workspace in &workspaces[1..4] {
            operator::grant(&operator, *workspace).await;
        }
        // One place is left; of three at once, one takes it.
        let asks = workspaces[4..7]
            .iter()
            .map(|it| async { operator.post(&path, &operator::ask(*it)).await.status });
        let mut answers = futures_util::future::join_all(asks).await;
        answers.sort_unstable();
        assert_eq!(answers, [201, 409, 409]);
        operator::close(&operator, &first).await;
        operator::grant(&operator, workspaces[0]).await;
        let answer = operator.post(&path, &operator::ask(Workspace::claim(stack).await.id)).await;
        answer.problem(409, "too_many_grants");
        // Another operator has five of their own.
        operator::grant(&operator::new(stack).await, workspaces[0]).await;
    });
}

#[test]
fn five_grants_in_all_are_open_at_once_over_all_databases() {
    stack::with_databases(async |stack| {
        let operator = operator::new(stack).await;
        let further: Vec<&str> = stack.databases().further.iter().map(|(name, _)| name.as_str()).collect();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for n in 0..4 {
            here.push(Workspace::claim(stack).await.id);
            there.push(Workspace::claim_beside(stack, further[n % 2]).await.id);
        }
        let refused = async |workspace| {
            let answer = operator.post(&format!("{API}/grants"), &operator::ask(workspace)).await;
            answer.problem(409, "too_many_grants");
        };
        // Three here, one in each of two others.
        for workspace in &here[..3] {
            operator::grant(&operator, *workspace).await;
        }
        let first = operator::grant(&operator, there[0]).await;
        operator::grant(&operator, there[1]).await;
        for one_more in [here[3], there[2], there[3]] {
            refused(one_more).await;
        }
        operator::close(&operator, &first).await;
        operator::grant(&operator, there[2]).await;
        for one_more in [here[3], there[0], there[3]] {
            refused(one_more).await;
        }
        // Another operator has five of their own.
        operator::grant(&operator::new(stack).await, there[3]).await;
    });
}

#[test]
fn a_closed_grant_opens_nothing_from_then_on() {
    stack::with(async |stack| {
        let (operator, workspace) = (operator::new(stack).await, Workspace::claim(stack).await);
        let inside = format!("{API}/workspaces/{}/runs", workspace.id);
        operator.get(&inside).await.problem(403, "no_grant");
        let grant = operator::grant(&operator, workspace.id).await;
        operator.get(&inside).await.expect(200);
        operator::new(stack).await.get(&inside).await.problem(403, "no_grant");
        let closed = operator::close(&operator, &grant).await;
        let since = Instant::now();
        operator.get(&inside).await.problem(403, "no_grant");
        assert!(since.elapsed() < Duration::from_secs(1));
        assert_eq!(operator::close(&operator, &grant).await, closed, "ended once");
        let others = operator::new(stack).await;
        let path = format!("{API}/grants/{}/close", grant["id"].as_str().expect("an id"));
        let foreign = others.post(&path, &json!({})).await;
        let absent = others.post(&format!("{API}/grants/{}/close", random_id()), &json!({})).await;
        let bytes = |answer: tests::caller::Answer| {
            let mut problem = answer.problem(404, "not_found");
            problem["request_id"] = json!("");
            problem
        };
        assert_eq!(bytes(foreign), bytes(absent));
    });
}

/// Acceptance 21: the end comes by itself, for the grant and for the session.
#[test]
fn a_grant_and_a_session_end_by_themselves() {
    stack::run(async {
        let stack = stack::own(|settings| {
            settings.functions.retain(|name| ["steward", "signin", "operators"].contains(&name.as_str()));
        })
        .await;
        let (operator, workspace) = (operator::new(&stack).await, Workspace::claim(&stack).await);
        let inside = format!("{API}/workspaces/{}/jobs", workspace.id);
        operator::grant(&operator, workspace.id).await;
        stack.advance(Duration::from_secs(29 * 60)).await.expect("time");
        operator.get(&inside).await.expect(200);
        stack.advance(Duration::from_secs(61)).await.expect("time");
        operator.get(&inside).await.problem(403, "no_grant");
        operator.get(&format!("{API}/me")).await.expect(200);
        operator::grant(&operator, workspace.id).await;
        stack.advance(Duration::from_secs(31 * 60)).await.expect("time");
        operator.get(&format!("{API}/me")).await.problem(401, "unauthenticated");
        operator.get(&inside).await.problem(401, "unauthenticated");
        stack.stop().await;
    });
}

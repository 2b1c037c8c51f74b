//! Tries: what is tried again, when, and what it costs.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    caller::Administrator,
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

/// What the platform of these tests knows doubles by.
const KEY: &str = "idempotency-key";

/// A connection to a platform that returns the double of a start by its key.
async fn keyed(by: &Administrator, world: &World) -> Value {
    let settings = json!({ "base_url": world.url(), "idempotency_header": KEY });
    by.post("/connections", &json!({ "name": "platform", "kind": "http", "settings": settings }))
        .await
        .expect(201)
}

fn patient(name: &str, max_attempts: u32, after: &[&str]) -> Value {
    let mut task = work::at_once(name, "platform", after);
    task["retry"] = json!({ "max_attempts": max_attempts, "backoff_s": 1 });
    task
}

fn told(request: &tests::world::Entry, before: &[tests::world::Entry]) -> usize {
    before.iter().filter(|e| e.path == request.path && e.method == request.method).count()
}

#[test]
fn a_passing_trouble_is_tried_again_until_it_works() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| {
            let status = [500, 503, 200][told(request, before).min(2)];
            Answer::Json(status, json!({}))
        });
        keyed(&tenant.administrator, &world).await;
        let job = work::job(&tenant.administrator, "shaky", &[patient("shaky", 5, &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", Duration::from_secs(60)).await;
        assert_eq!(world.count("POST", "/start/shaky"), 3);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn tries_end_when_they_are_used_up_and_the_platforms_words_are_kept() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| match request.path.as_str() {
            "/runs" => Answer::Json(201, json!({ "id": format!("ext-{}", told(request, before)) })),
            _ => Answer::Json(200, json!({ "state": "failed", "error": "the disk is full" })),
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::polled("doomed", "platform", &[]);
        task["retry"] = json!({ "max_attempts": 3, "backoff_s": 1 });
        let job = work::job(&tenant.administrator, "doomed", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", Duration::from_secs(60)).await;
        let attempts = seen::attempts(&run, "doomed");
        assert_eq!(attempts.iter().map(|a| a["number"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(world.count("POST", "/runs"), 3);
        for attempt in attempts {
            assert_eq!(attempt["state"], "failed");
            assert!(attempt["error"]["message"].as_str().unwrap().contains("the disk is full"), "{attempt}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_platform_that_asks_for_patience_gets_it_and_it_costs_no_try() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| match told(request, before) {
            0 if request.path == "/start/first" => {
                Answer::Raw(429, vec![("retry-after", "3".to_owned())], b"slow down".to_vec())
            }
            _ => Answer::Json(200, json!({})),
        });
        keyed(&tenant.administrator, &world).await;
        // One try only: what costs one would end it.
        let tasks = [patient("first", 1, &[]), patient("second", 1, &["first"])];
        let job = work::job(&tenant.administrator, "throttled", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let ledger = world.ledger();
        assert_eq!(ledger.len(), 3);
        let waited = ledger[1].at - ledger[0].at;
        assert!(waited >= Duration::from_millis(2_900), "asked again after {waited:?}");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_throttled_platform_is_left_alone_by_other_work_too() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, before| match before.len() {
            0 => Answer::Raw(429, vec![("retry-after", "3".to_owned())], Vec::new()),
            _ => Answer::Json(200, json!({})),
        });
        keyed(&tenant.administrator, &world).await;
        let first = work::job(&tenant.administrator, "first", &[patient("first", 1, &[])]).await;
        let second = work::job(&tenant.administrator, "second", &[patient("second", 1, &[])]).await;
        let first = work::run(&tenant.operator, &first).await;
        work::until("the platform was asked", SOON, async || !world.is_empty()).await;
        // The answer is being recorded; then the key is closed.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let second = work::run(&tenant.operator, &second).await;
        work::wait_for_run(&tenant.operator, &second, "succeeded", SOON).await;
        work::wait_for_run(&tenant.operator, &first, "succeeded", SOON).await;
        let ledger = world.ledger();
        let waited = ledger[1].at - ledger[0].at;
        assert!(waited >= Duration::from_millis(2_900), "the platform was called again after {waited:?}");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_refusal_is_final() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| Answer::Json(422, json!({ "error": "no such table" })));
        keyed(&tenant.administrator, &world).await;
        let tasks = [patient("refused", 5, &[]), patient("after", 5, &["refused"])];
        let job = work::job(&tenant.administrator, "refused", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        assert_eq!(seen::state(&run, "refused"), "failed/permanent");
        assert_eq!(seen::state(&run, "after"), "upstream_failed");
        let error = &seen::attempts(&run, "refused")[0]["error"];
        assert_eq!(error["class"], "permanent");
        assert!(error["message"].as_str().unwrap().contains("no such table"), "{error}");
        assert_eq!(world.len(), 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_refused_credential_is_read_once_more_and_then_the_task_fails() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| Answer::Json(401, json!({})));
        let vault = work::vault(&tenant.administrator, "secrets").await;
        work::credential(&tenant.administrator, &vault, "token", "wr0ng-t0ken").await;
        let body = json!({
            "name": "platform", "kind": "http", "credential": { "vault": "secrets", "name": "token" },
            "settings": { "base_url": world.url(), "auth": { "type": "bearer" }, "idempotency_header": KEY },
        });
        tenant.administrator.post("/connections", &body).await.expect(201);
        let job = work::job(&tenant.administrator, "locked out", &[patient("locked", 5, &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        assert_eq!(seen::state(&run, "locked"), "failed/auth");
        assert_eq!(world.len(), 2);
        assert_eq!(world.ledger()[0].headers["authorization"], "Bearer wr0ng-t0ken");
        assert!(!run.to_string().contains("wr0ng-t0ken"), "{run}");
        invariants::hold(stack, &tenant).await;
    });
}

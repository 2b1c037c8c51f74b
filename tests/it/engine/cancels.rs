//! Stops: whatever a run is at when it is asked to stop, it ends as cancelled, nothing more starts, and nothing is left
//! running outside.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

async fn cancel(tenant: &Tenant, run: &Value) -> Value {
    let answer = tenant.operator.post(&format!("/runs/{}/cancel", work::id(run)), &json!({})).await;
    assert!(matches!(answer.status, 200 | 202), "{} {}", answer.status, answer.text());
    answer.json()
}

async fn ended(tenant: &Tenant, run: &Value) -> Value {
    work::wait_for_run(&tenant.operator, run, "cancelled", SOON).await
}

#[test]
fn a_running_task_is_stopped_on_its_platform_and_what_comes_after_never_starts() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(1_000));
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [work::polled("first", "platform", &[]), work::polled("second", "platform", &["first"])];
        let job = work::job(&tenant.administrator, "long", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("it was polled", SOON, async || world.count("GET", "/runs/ext-0") > 0).await;
        cancel(&tenant, &run).await;
        let run = ended(&tenant, &run).await;
        assert_eq!(seen::state(&run, "first"), "cancelled");
        assert_eq!(seen::state(&run, "second"), "cancelled");
        assert!(world.count("POST", "/runs/ext-0/cancel") >= 1);
        assert_eq!(world.count("POST", "/runs"), 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_task_whose_start_is_under_way_is_stopped_once_its_id_is_known() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/runs") => {
                Answer::After(Duration::from_secs(2), Box::new(Answer::Json(201, json!({ "id": "late" }))))
            }
            ("POST", _) => Answer::Json(202, json!({})),
            _ => {
                let stopped = before.iter().any(|e| e.path == "/runs/late/cancel");
                Answer::Json(200, json!({ "state": if stopped { "cancelled" } else { "running" } }))
            }
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let job =
            work::job(&tenant.administrator, "slow to start", &[work::polled("slow", "platform", &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("the start arrived", SOON, async || world.count("POST", "/runs") == 1).await;
        cancel(&tenant, &run).await;
        let seen = tenant.operator.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
        assert_eq!(
            seen::task(&seen, "slow")["state"],
            "active",
            "not over while nobody knows what was started: {seen:#}"
        );
        let run = ended(&tenant, &run).await;
        assert_eq!(seen::attempts(&run, "slow")[0]["external_run_id"], "late");
        assert!(world.count("POST", "/runs/late/cancel") >= 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn work_that_waits_ends_at_once_and_is_never_started() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(1_000));
        let profile = json!({ "name": "one", "limit": 1 });
        let profile = tenant.administrator.post("/concurrency-profiles", &profile).await.expect(201);
        let body = json!({
            "name": "platform", "kind": "http", "settings": { "base_url": world.url() },
            "concurrency_profile_id": work::id(&profile),
        });
        tenant.administrator.post("/connections", &body).await.expect(201);
        let job = work::job(&tenant.administrator, "queue", &[work::polled("only", "platform", &[])]).await;
        let first = work::run(&tenant.operator, &job).await;
        work::until("the first is started", SOON, async || world.count("POST", "/runs") == 1).await;
        let second = work::run(&tenant.operator, &job).await;
        cancel(&tenant, &second).await;
        ended(&tenant, &second).await;
        cancel(&tenant, &first).await;
        ended(&tenant, &first).await;
        assert_eq!(world.count("POST", "/runs"), 1, "the freed slot went to cancelled work");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_run_before_its_time_ends_at_once() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "later", &work::chain("platform", 2)).await;
        let body = json!({ "parameters": {}, "run_after": "2099-01-01T00:00:00Z" });
        let run = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &body).await.expect(201);
        assert_eq!(run["state"], "pending", "{run:#}");
        cancel(&tenant, &run).await;
        ended(&tenant, &run).await;
        assert!(world.is_empty());
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_run_that_is_over_stays_as_it_ended_and_a_second_request_changes_nothing() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "done", &work::chain("platform", 1)).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let path = format!("/runs/{}", work::id(&run));
        let before = work::all(&tenant.operator, &format!("{path}/events")).await;
        for _ in 0..2 {
            tenant.operator.post(&format!("{path}/cancel"), &json!({})).await;
        }
        assert_eq!(tenant.operator.get(&path).await.expect(200)["state"], "succeeded");
        assert_eq!(work::all(&tenant.operator, &format!("{path}/events")).await, before);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_task_that_cannot_be_stopped_is_followed_to_its_end() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(4));
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::polled("stubborn", "platform", &[]);
        task["start"].as_object_mut().expect("an object").remove("cancel");
        let tasks = [task, work::polled("after", "platform", &["stubborn"])];
        let job = work::job(&tenant.administrator, "stubborn", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("it was polled", SOON, async || world.count("GET", "/runs/ext-0") > 0).await;
        cancel(&tenant, &run).await;
        let run = ended(&tenant, &run).await;
        // It ended well before anybody could stop it: that is what happened.
        assert_eq!(seen::state(&run, "stubborn"), "succeeded");
        assert_eq!(seen::state(&run, "after"), "cancelled");
        assert_eq!(world.count("GET", "/runs/ext-0"), 5);
        invariants::hold(stack, &tenant).await;
    });
}

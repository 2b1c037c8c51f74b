//! Time limits: what takes too long is stopped, seen to have stopped, and told apart from what failed.

use std::time::Duration;

use serde_json::json;
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

#[test]
fn a_run_that_takes_too_long_is_stopped_on_its_platform() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(1_000));
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::polled("endless", "platform", &[]);
        task["timeouts"] = json!({ "start_to_close_s": 3 });
        let job = work::job(
            &tenant.administrator,
            "endless",
            &[task, work::polled("after", "platform", &["endless"])],
        )
        .await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "timed_out", SOON).await;
        assert_eq!(seen::state(&run, "endless"), "timed_out/start_to_close");
        assert_eq!(seen::state(&run, "after"), "upstream_failed");
        let ledger = world.ledger();
        let started = ledger.iter().find(|e| e.path == "/runs").expect("it was started").at;
        let stopped = ledger.iter().find(|e| e.path == "/runs/ext-0/cancel").expect("it was stopped").at;
        assert!(stopped - started >= Duration::from_millis(2_900), "stopped after {:?}", stopped - started);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_timed_out_attempt_is_tried_again_if_tries_are_left() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        // The first run never ends, the second ends at once.
        let world = World::new(|request, before| {
            let starts = before.iter().filter(|e| e.method == "POST" && e.path == "/runs").count();
            let stopped = before.iter().any(|e| e.path == "/runs/ext-0/cancel");
            match (request.method.as_str(), request.path.as_str()) {
                ("POST", "/runs") => Answer::Json(201, json!({ "id": format!("ext-{starts}") })),
                ("GET", "/runs/ext-0") if stopped => Answer::Json(200, json!({ "state": "cancelled" })),
                ("GET", "/runs/ext-0") => Answer::Json(200, json!({ "state": "running" })),
                ("GET", _) => Answer::Json(200, json!({ "state": "succeeded" })),
                _ => Answer::Json(202, json!({})),
            }
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::polled("moody", "platform", &[]);
        task["timeouts"] = json!({ "start_to_close_s": 2 });
        task["retry"] = json!({ "max_attempts": 2, "backoff_s": 1 });
        let job = work::job(&tenant.administrator, "moody", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", Duration::from_secs(60)).await;
        let states: Vec<_> = seen::attempts(&run, "moody").iter().map(|a| a["state"].clone()).collect();
        assert_eq!(states, ["timed_out", "succeeded"]);
        assert_eq!(world.count("POST", "/runs"), 2);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn work_that_waits_too_long_for_its_start_is_given_up() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(1_000));
        let profile = json!({ "name": "one", "limit": 1 });
        let profile = tenant.administrator.post("/concurrency-profiles", &profile).await.expect(201);
        let body = json!({
            "name": "platform", "kind": "http", "settings": { "base_url": world.url() },
            "concurrency_profile_id": work::id(&profile),
        });
        tenant.administrator.post("/connections", &body).await.expect(201);
        let hog = work::job(&tenant.administrator, "hog", &[work::polled("hog", "platform", &[])]).await;
        work::run(&tenant.operator, &hog).await;
        work::until("the hog is started", SOON, async || world.count("POST", "/runs") == 1).await;
        let mut task = work::polled("hurried", "platform", &[]);
        task["timeouts"] = json!({ "schedule_to_start_s": 3 });
        let job = work::job(&tenant.administrator, "hurried", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "timed_out", SOON).await;
        assert_eq!(seen::state(&run, "hurried"), "timed_out/schedule_to_start");
        assert_eq!(world.count("POST", "/runs"), 1);
        invariants::hold(stack, &tenant).await;
    });
}

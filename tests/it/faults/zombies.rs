//! A dispatcher is frozen in the middle of its call and wakes when others have long gone on.

use std::time::Duration;

use serde_json::json;
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

use super::kills::{KEY, PAST_ANY_LEASE, keyed, was_told};

#[test]
fn a_dispatcher_that_wakes_after_its_lease_changes_nothing() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::new(|request, before| match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/runs") if was_told(request, before) => Answer::Json(200, json!({ "id": "only" })),
            // The sleeper's answer tells of the same run, in other words.
            ("POST", "/runs") => {
                Answer::After(Duration::from_secs(2), Box::new(Answer::Json(201, json!({ "id": "only" }))))
            }
            _ => Answer::Json(200, json!({ "state": "succeeded" })),
        });
        keyed(&tenant.administrator, &world).await;
        let tasks = [work::polled("first", "platform", &[])];
        let job = work::job(&tenant.administrator, "zombie", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("the call arrived", SOON, async || world.count("POST", "/runs") > 0).await;
        assert!(stack.cloud().freeze("dispatcher").expect("a function") > 0);
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        let done = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let path = format!("/runs/{}/events", work::id(&run));
        let events = work::all(&tenant.operator, &path).await;
        let attempts = invariants::count(&stack, &tenant, "attempts").await;

        assert!(stack.cloud().thaw("dispatcher").expect("a function") > 0);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(work::all(&tenant.operator, &path).await, events);
        let after = tenant.operator.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
        assert_eq!(after, done);
        assert_eq!(invariants::count(&stack, &tenant, "attempts").await, attempts);
        assert_eq!(invariants::count(&stack, &tenant, "orphans").await, 0, "its run is the attempt's own");
        assert_eq!(world.count("POST", "/runs"), 2);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_run_that_only_a_zombie_knows_of_is_stopped_on_its_platform() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        // It says that it knows doubles, and starts a second run all the same.
        let world = World::new(|request, before| {
            let starts = before.iter().filter(|e| e.path == "/runs").count();
            let stopped = |id: &str| before.iter().any(|e| e.path == format!("/runs/{id}/cancel"));
            match (request.method.as_str(), request.path.as_str()) {
                ("POST", "/runs") if starts == 0 => Answer::After(
                    Duration::from_secs(2),
                    Box::new(Answer::Json(201, json!({ "id": "lost" }))),
                ),
                ("POST", "/runs") => Answer::Json(201, json!({ "id": "known" })),
                ("GET", "/runs/known") => Answer::Json(200, json!({ "state": "succeeded" })),
                ("GET", _) => Answer::Json(
                    200,
                    json!({ "state": if stopped("lost") { "cancelled" } else { "running" } }),
                ),
                _ => Answer::Json(202, json!({})),
            }
        });
        keyed(&tenant.administrator, &world).await;
        let job = work::job(&tenant.administrator, "orphan", &[work::polled("first", "platform", &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("the call arrived", SOON, async || world.count("POST", "/runs") > 0).await;
        stack.cloud().freeze("dispatcher").expect("a function");
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::attempts(&run, "first")[0]["external_run_id"], "known");
        stack.cloud().thaw("dispatcher").expect("a function");
        work::until("the other run is asked to stop", SOON, async || {
            world.count("POST", "/runs/lost/cancel") > 0
        })
        .await;
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        work::until("it was seen to have stopped", SOON, async || {
            invariants::count(&stack, &tenant, "orphans where state = 'gone'").await == 1
        })
        .await;
        assert_eq!(seen::keys_of(&world, "/runs", KEY), 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

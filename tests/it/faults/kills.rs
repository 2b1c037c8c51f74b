//! The dispatcher is killed between its call and its record.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    caller::Administrator,
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, Entry, World},
};

/// What the platforms of these tests know doubles by.
pub(super) const KEY: &str = "idempotency-key";
/// Longer than any lease.
pub(super) const PAST_ANY_LEASE: Duration = Duration::from_secs(150);

/// A connection to a platform that returns the double of a start by its key.
pub(super) async fn keyed(by: &Administrator, world: &World) -> Value {
    let settings = json!({ "base_url": world.url(), "idempotency_header": KEY });
    by.post("/connections", &json!({ "name": "platform", "kind": "http", "settings": settings }))
        .await
        .expect(201)
}

pub(super) fn was_told(request: &Entry, before: &[Entry]) -> bool {
    before.iter().any(|e| {
        e.path == request.path && e.method == request.method && e.headers.get(KEY) == request.headers.get(KEY)
    })
}

/// Kills the dispatcher as soon as the platform has been asked to start this task.
pub(super) async fn kill_in_call(stack: &Stack, world: &World, path: &str) {
    work::until("the call arrived", SOON, async || world.count("POST", path) > 0).await;
    let killed = stack.cloud().kill("dispatcher").await.expect("a function");
    assert!(killed > 0, "no dispatcher was there to be killed");
}

#[test]
fn a_platform_that_knows_doubles_is_asked_again_with_the_same_key_and_starts_once() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        // It acts, and answers only who asks a second time.
        let world = World::new(|request, before| {
            if was_told(request, before) { Answer::Json(200, json!({ "rows": 3 })) } else { Answer::Hang }
        });
        keyed(&tenant.administrator, &world).await;
        let job = work::job(&tenant.administrator, "chain", &work::chain("platform", 1)).await;
        let run = work::run(&tenant.operator, &job).await;
        kill_in_call(&stack, &world, "/start/t0").await;
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::keys(&world, KEY)["t0"].len(), 1, "{:?}", world.ledger());
        let attempts = seen::attempts(&run, "t0");
        assert_eq!(attempts.len(), 1);
        assert_eq!(seen::keys(&world, KEY)["t0"].first().map(String::as_str), attempts[0]["id"].as_str());
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_followed_run_is_found_again_under_its_key() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::new(|request, before| match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/runs") if was_told(request, before) => Answer::Json(200, json!({ "id": "first" })),
            ("POST", "/runs") => Answer::Hang,
            _ => Answer::Json(200, json!({ "state": "succeeded" })),
        });
        keyed(&tenant.administrator, &world).await;
        let job =
            work::job(&tenant.administrator, "followed", &[work::polled("only", "platform", &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        kill_in_call(&stack, &world, "/runs").await;
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.count("POST", "/runs"), 2);
        assert_eq!(seen::attempts(&run, "only")[0]["external_run_id"], "first");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn the_first_tick_after_a_short_lease_brings_it_back() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world =
            World::new(
                |request, before| {
                    if was_told(request, before) { Answer::Json(200, json!({})) } else { Answer::Hang }
                },
            );
        keyed(&tenant.administrator, &world).await;
        let mut task = work::at_once("t0", "platform", &[]);
        task["timeouts"] = json!({ "start_s": 1 });
        let job = work::job(&tenant.administrator, "quick lease", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        kill_in_call(&stack, &world, "/start/t0").await;
        // One second for the call, five to send it, five of slack: nothing before, everything after.
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(world.len(), 1, "sent again while the first call may be under way");
        tokio::time::sleep(Duration::from_secs(10)).await;
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::keys(&world, KEY)["t0"].len(), 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn without_a_key_the_doubt_is_shown_keeps_its_slot_and_is_never_sent_again() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::new(|_, _| Answer::Hang);
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut tasks = work::chain("platform", 2);
        tasks[0]["retry"] = json!({ "max_attempts": 5, "backoff_s": 1 });
        let job = work::job(&tenant.administrator, "doubt", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        kill_in_call(&stack, &world, "/start/t0").await;
        let path = format!("/runs/{}", work::id(&run));
        for _ in 0..4 {
            stack.advance(PAST_ANY_LEASE).await.expect("time moves");
            stack.cloud().tick_now("scheduler").await.expect("a tick");
        }
        work::until("the doubt is shown", SOON, async || {
            seen::state(&tenant.operator.get(&path).await.expect(200), "t0") == "active/start_unknown"
        })
        .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let seen = tenant.operator.get(&path).await.expect(200);
        assert_eq!(
            (seen::state(&seen, "t0").as_str(), seen["state"].as_str()),
            ("active/start_unknown", Some("active"))
        );
        assert_eq!(world.count("POST", "/start/t0"), 1);
        assert_eq!(world.count("POST", "/start/t1"), 0);
        assert_eq!(invariants::count(&stack, &tenant, "slots where in_use = 1").await, 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

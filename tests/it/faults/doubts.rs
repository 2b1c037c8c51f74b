//! The platform acted, and its answer is lost on the way or says nothing: a gateway's 502, a connection that was cut.

use std::time::Duration;

use serde_json::json;
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

use super::kills::{KEY, keyed, was_told};

/// Ways to lose the answer to a start that was acted on. (503 says that it was not.)
const LOST: [(&str, u16); 4] = [("cut", 0), ("e500", 500), ("e502", 502), ("e504", 504)];

fn losing(request: &tests::world::Entry) -> Answer {
    let lost = LOST.iter().find(|(name, _)| request.path.ends_with(name)).expect("a way");
    if lost.1 == 0 { Answer::Cut } else { Answer::Json(lost.1, json!({ "error": "upstream" })) }
}

#[test]
fn a_lost_answer_of_a_platform_that_knows_doubles_never_makes_a_second_run() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| {
            if was_told(request, before) { Answer::Json(200, json!({})) } else { losing(request) }
        });
        keyed(&tenant.administrator, &world).await;
        let mut tasks: Vec<_> = LOST.iter().map(|(name, _)| work::at_once(name, "platform", &[])).collect();
        for task in &mut tasks {
            task["retry"] = json!({ "max_attempts": 4, "backoff_s": 1 });
        }
        let job = work::job(&tenant.administrator, "lost", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", Duration::from_secs(90)).await;
        for (task, keys) in seen::keys(&world, KEY) {
            assert_eq!(
                keys.len(),
                1,
                "{task} was started under {} keys: each is a run of its own",
                keys.len()
            );
        }
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_lost_answer_of_a_platform_that_knows_none_is_a_visible_doubt_and_never_a_second_run() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| losing(request));
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut tasks: Vec<_> = LOST.iter().map(|(name, _)| work::at_once(name, "platform", &[])).collect();
        for task in &mut tasks {
            task["retry"] = json!({ "max_attempts": 4, "backoff_s": 1 });
        }
        let job = work::job(&tenant.administrator, "lost", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("every doubt is shown", SOON, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            LOST.iter().all(|(name, _)| seen::state(&run, name) == "active/start_unknown")
        })
        .await;
        // Longer than every backoff.
        tokio::time::sleep(Duration::from_secs(5)).await;
        for (name, _) in LOST {
            assert_eq!(world.count("POST", &format!("/start/{name}")), 1, "{name}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

/// draft-ietf-httpapi-idempotency-key-header, 2.6: 409 while the first request with this key is being worked on.
#[test]
fn a_double_that_is_refused_while_the_first_is_worked_on_is_no_failure() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, before| match before.len() {
            0 => Answer::Cut,
            1 => Answer::Json(409, json!({ "error": "this key is being worked on" })),
            _ => Answer::Json(200, json!({})),
        });
        keyed(&tenant.administrator, &world).await;
        let job = work::job(&tenant.administrator, "slow", &work::chain("platform", 1)).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", Duration::from_secs(90)).await;
        let keys: Vec<_> = seen::keys(&world, KEY).into_values().collect();
        assert_eq!((keys.len(), keys[0].len(), world.len()), (1, 1, 3), "asked three times under one key");
        invariants::hold(stack, &tenant).await;
    });
}

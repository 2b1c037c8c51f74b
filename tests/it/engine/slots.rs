//! Concurrency: how much is in flight on a platform at any instant, and who goes next.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

/// How long each start takes.
const TOOK: Duration = Duration::from_millis(300);

fn slow() -> World {
    World::new(|_, _| Answer::After(TOOK, Box::new(Answer::Json(200, json!({})))))
}

/// A connection that takes so much at once.
async fn limited(tenant: &Tenant, world: &World, limit: u32) -> (Value, Value) {
    let profile = json!({ "name": "narrow", "limit": limit });
    let profile = tenant.administrator.post("/concurrency-profiles", &profile).await.expect(201);
    let body = json!({
        "name": "platform", "kind": "http", "settings": { "base_url": world.url() },
        "concurrency_profile_id": work::id(&profile),
    });
    (tenant.administrator.post("/connections", &body).await.expect(201), profile)
}

fn many(count: usize) -> Vec<Value> {
    (0..count).map(|n| work::at_once(&format!("t{n}"), "platform", &[])).collect()
}

#[test]
fn no_more_than_the_limit_is_ever_in_flight_and_all_of_it_gets_done() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, slow());
        limited(&tenant, &world, 3).await;
        let job = work::job(&tenant.administrator, "many", &many(14)).await;
        // Two runs of it, so that no run has the key for itself.
        let (one, two) = (work::run(&tenant.operator, &job).await, work::run(&tenant.operator, &job).await);
        for run in [one, two] {
            work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        }
        assert_eq!(world.len(), 28);
        let most = seen::overlap(&world.ledger(), TOOK);
        assert!(most <= 3, "{most} were in flight at once");
        assert!(most >= 2, "nothing ever ran side by side");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_weighty_task_takes_the_room_of_many() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, slow());
        limited(&tenant, &world, 4).await;
        let mut tasks = many(6);
        for task in &mut tasks {
            task["weight"] = json!(3);
        }
        let job = work::job(&tenant.administrator, "heavy", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::overlap(&world.ledger(), TOOK), 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn what_waits_goes_by_priority() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, slow());
        limited(&tenant, &world, 1).await;
        let mut tasks = vec![work::at_once("gate", "platform", &[])];
        for (name, priority) in [("low", 1), ("middle", 5), ("high", 10)] {
            let mut task = work::at_once(name, "platform", &["gate"]);
            task["priority"] = json!(priority);
            tasks.push(task);
        }
        let job = work::job(&tenant.administrator, "ranked", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::starts(&world), ["gate", "high", "middle", "low"]);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_raised_limit_lets_waiting_work_go_at_once() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(1_000));
        let (_, profile) = limited(&tenant, &world, 1).await;
        let tasks: Vec<Value> = (0..3).map(|n| work::polled(&format!("t{n}"), "platform", &[])).collect();
        let job = work::job(&tenant.administrator, "stuck", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("one is started", SOON, async || world.count("POST", "/runs") == 1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.count("POST", "/runs"), 1);
        let path = format!("/runs/{}", work::id(&run));
        let seen = tenant.operator.get(&path).await.expect(200);
        let waiting = ["t0", "t1", "t2"]
            .iter()
            .filter(|name| seen::state(&seen, name) == "pending/waiting_slot")
            .count();
        assert_eq!(waiting, 2, "{seen:#}");

        let path = format!("/concurrency-profiles/{}", work::id(&profile));
        tenant.administrator.put(&path, &json!({ "name": "narrow", "limit": 5 })).await.expect(200);
        // No minute passes meanwhile: the edit itself lets them go.
        work::until("the others are started", Duration::from_secs(10), async || {
            world.count("POST", "/runs") == 3
        })
        .await;
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn the_slot_of_a_run_is_held_until_its_end_was_seen() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(3));
        limited(&tenant, &world, 1).await;
        let tasks = [work::polled("one", "platform", &[]), work::polled("two", "platform", &[])];
        let job = work::job(&tenant.administrator, "in turn", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let ledger = world.ledger();
        let second = ledger.iter().filter(|e| e.path == "/runs").nth(1).expect("two starts").at;
        let polls_before = ledger.iter().filter(|e| e.path == "/runs/ext-0" && e.at < second).count();
        assert_eq!(polls_before, 4, "the second started before the first was seen to have ended");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn what_waits_on_many_platforms_at_once_is_all_taken_on_though_no_one_transaction_can_take_it() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let mut tasks = Vec::new();
        for platform in 0..10 {
            let name = format!("p{platform}");
            work::connection(&tenant.administrator, &name, &world).await;
            tasks.extend((0..3).map(|n| work::at_once(&format!("t{platform}-{n}"), &name, &[])));
        }
        let job = work::job(&tenant.administrator, "wide", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.len(), tasks.len(), "each started once");
        invariants::hold(stack, &tenant).await;
    });
}

//! Messages are hints: lost, doubled, out of order, forged or of another tenant, they delay work at most.

use std::time::Duration;

use local::{
    sqs::{Draft, Faults},
    stack::Stack,
};
use serde_json::json;
use shared::{
    model::{ids::TenantId, tenant::Route},
    queue::{Kind, Message, Signer},
    secrets::KeyRing,
};
use tests::{
    database, invariants, seen, stack,
    tenant::{self, Tenant, random_id},
    work::{self, SOON},
    world::{Answer, World},
};

/// What the sweep waits for before it sends again, and the tick that does it.
const PAST_THE_SWEEP: Duration = Duration::from_secs(125);

#[test]
fn a_run_whose_every_message_was_lost_is_found_by_the_sweep() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "lost", &work::chain("platform", 3)).await;
        stack.cloud().pause_queue("work", true).expect("a queue");
        let run = work::run(&tenant.operator, &job).await;
        work::until("the message was sent", SOON, async || stack.cloud().queues()["work"].visible > 0).await;
        stack.cloud().purge_queue("work").expect("a queue");
        stack.cloud().pause_queue("work", false).expect("a queue");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(world.is_empty());
        stack.advance(PAST_THE_SWEEP).await.expect("time moves");
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::starts(&world), ["t0", "t1", "t2"]);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn while_the_queue_is_down_runs_are_taken_and_they_go_when_it_is_back() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "outage", &work::chain("platform", 2)).await;
        let outage = |outage| {
            stack.cloud().set_faults("work", Faults { outage, ..Faults::default() }).expect("a queue")
        };
        outage(true);
        let run = work::run(&tenant.operator, &job).await;
        outage(false);
        stack.advance(PAST_THE_SWEEP).await.expect("time moves");
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_message_that_comes_before_its_time_is_not_the_last_word() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::new(|_, before| match before.len() {
            0 => Answer::Raw(429, vec![("retry-after", "20".to_owned())], Vec::new()),
            _ => Answer::Json(200, json!({})),
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "early", &work::chain("platform", 1)).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("it was asked for patience", SOON, async || world.len() == 1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // The queue's clock runs ahead of the database's: every message that waits is delivered now.
        stack.cloud().shift_time(jiff::SignedDuration::from_secs(60));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(world.len(), 1);
        // The database's time comes; no message is left but what the early one became.
        local::stack::advance_database(&stack.databases().steward, Duration::from_secs(30))
            .await
            .expect("time moves");
        stack.cloud().shift_time(jiff::SignedDuration::from_secs(30));
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn doubled_lost_and_reordered_messages_start_each_task_once() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::of_runs(2));
        work::connection(&tenant.administrator, "platform", &world).await;
        let faults = Faults {
            duplicate_per_mille: 500,
            drop_per_mille: 150,
            reorder_per_mille: 300,
            seed: 11,
            ..Faults::default()
        };
        stack.cloud().set_faults("work", faults).expect("a queue");
        let tasks = [
            work::polled("a", "platform", &[]),
            work::polled("b", "platform", &["a"]),
            work::polled("c", "platform", &["a"]),
            work::polled("d", "platform", &["b", "c"]),
        ];
        let job = work::job(&tenant.administrator, "noise", &tasks).await;
        let mut runs = Vec::new();
        for _ in 0..5 {
            runs.push(work::run(&tenant.operator, &job).await);
        }
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
        }
        for run in &runs {
            work::wait_for_run(&tenant.operator, run, "succeeded", SOON).await;
        }
        assert_eq!(world.count("POST", "/runs"), 20);
        let stats = stack.cloud().queues()["work"].clone();
        assert!(stats.duplicated > 0 && stats.dropped > 0, "the faults did nothing: {stats:?}");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn what_is_no_message_of_ours_is_put_aside_and_delays_no_other() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (mine, other) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let (world, theirs) = (World::at_once(), World::at_once());
        work::connection(&mine.administrator, "platform", &world).await;
        work::connection(&other.administrator, "platform", &theirs).await;
        let job = work::job(&mine.administrator, "good", &work::chain("platform", 2)).await;
        let held = work::job(&other.administrator, "held", &work::chain("platform", 1)).await;

        stack.cloud().pause_queue("work", true).expect("a queue");
        // The other tenant's run waits: its own message is taken away.
        let waiting = work::run(&other.operator, &held).await;
        stack.cloud().purge_queue("work").expect("a queue");
        let bad = poison(&stack, &mine, &other, &work::id(&waiting)).await;
        for body in &bad {
            stack.cloud().send("work", Draft { body: body.clone(), ..Draft::default() }).expect("a queue");
        }
        let run = work::run(&mine.operator, &job).await;
        stack.cloud().pause_queue("work", false).expect("a queue");
        work::wait_for_run(&mine.operator, &run, "succeeded", Duration::from_secs(10)).await;

        // Five deliveries, each hidden for nine minutes.
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            stack.cloud().shift_time(jiff::SignedDuration::from_mins(10));
        }
        work::until("all are in the dead-letter queue", SOON, async || {
            stack.cloud().queues()["work-dlq"].visible == bad.len()
        })
        .await;
        assert!(theirs.is_empty(), "a forged message started another tenant's run");
        assert_eq!(seen::starts(&world), ["t0", "t1"]);
        invariants::hold(&stack, &mine).await;
        stack.stop().await;
    });
}

/// Bodies that are no messages of ours, and one that names a tenant's own route and another's schema.
async fn poison(stack: &Stack, mine: &Tenant, other: &Tenant, theirs: &str) -> Vec<String> {
    let secret = database::secrets(stack)
        .await
        .read(&stack.cloud().secret_arn("queue-root"))
        .await
        .expect("the queue's root");
    let signer = Signer::new(KeyRing::parse(&secret).expect("keys"));
    let sealed = |tenant: &Tenant, schema: &str| {
        let route =
            Route { tenant: TenantId::from(tenant.id), schema: schema.parse().expect("a schema's name") };
        let id = theirs.parse().expect("an id");
        let message = Message { route, kind: Kind::Run, id, round: 0, at: None, outbox: None };
        signer.seal(&message).expect("a body")
    };
    let good = sealed(other, &other.schema);
    let strange = KeyRing::parse(&shared::secrets::Secret::new(
        json!({ "current": 1, "keys": { "1": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" } })
            .to_string()
            .into_bytes(),
    ));
    let strange = Signer::new(strange.expect("keys"));
    let route =
        Route { tenant: TenantId::from(other.id), schema: other.schema.parse().expect("a schema's name") };
    let id = theirs.parse().expect("an id");
    vec![
        "not json".to_owned(),
        "[]".to_owned(),
        json!({ "v": 1, "tenant": other.id, "schema": other.schema, "kind": "run", "id": theirs, "round": 0, "key": 1, "mac": "" }).to_string(),
        good.replace("\"kind\":\"run\"", "\"kind\":\"cancel\""),
        good.replace(&other.id.to_string(), &mine.id.to_string()),
        good.replace(&other.id.to_string(), &random_id().to_string()),
        good.replace("\"v\":1", "\"v\":2"),
        strange.seal(&Message { route, kind: Kind::Run, id, round: 0, at: None, outbox: None }).expect("a body"),
    ]
}

#[test]
fn a_well_signed_message_reaches_only_its_own_tenants_rows() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (mine, other) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let theirs = World::at_once();
        work::connection(&other.administrator, "platform", &theirs).await;
        let job = work::job(&other.administrator, "held", &work::chain("platform", 1)).await;
        stack.cloud().pause_queue("work", true).expect("a queue");
        let run = work::run(&other.operator, &job).await;
        stack.cloud().purge_queue("work").expect("a queue");
        let secret = database::secrets(&stack)
            .await
            .read(&stack.cloud().secret_arn("queue-root"))
            .await
            .expect("the root");
        let signer = Signer::new(KeyRing::parse(&secret).expect("keys"));
        for kind in [Kind::Run, Kind::Cancel, Kind::Fire, Kind::Wake, Kind::Test, Kind::Poll, Kind::Watch] {
            let route = Route {
                tenant: TenantId::from(mine.id),
                schema: mine.schema.parse().expect("a schema's name"),
            };
            let id = work::id(&run).parse().expect("an id");
            let body =
                signer.seal(&Message { route, kind, id, round: 1, at: None, outbox: None }).expect("a body");
            stack.cloud().send("work", Draft { body, ..Draft::default() }).expect("a queue");
        }
        stack.cloud().pause_queue("work", false).expect("a queue");
        work::until("all were worked", SOON, async || {
            let stats = &stack.cloud().queues()["work"];
            stats.visible + stats.in_flight + stats.delayed == 0
        })
        .await;
        assert!(theirs.is_empty());
        let seen = other.operator.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
        assert_eq!(seen["cancel_requested_at"], json!(null), "{seen:#}");
        assert!(matches!(seen["state"].as_str(), Some("pending" | "active")), "{seen:#}");
        stack.stop().await;
    });
}

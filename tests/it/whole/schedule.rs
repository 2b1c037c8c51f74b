//! A schedule fires on its second, once a slot, whatever ticks and messages do.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    stack, tenant,
    work::{self, SOON, until},
    world::World,
};

async fn runs_of(tenant: &tenant::Tenant, job: &Value) -> Vec<Value> {
    work::all(&tenant.operator, &format!("/runs?job_id={}", work::id(job))).await
}

fn schedule(job: &Value, cron: &str) -> Value {
    json!({ "name": "often", "job_id": job["id"], "cron": cron, "time_zone": "Europe/Berlin" })
}

#[test]
fn a_schedule_fires_once_a_slot_under_doubled_ticks_and_messages() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "minutely", &work::chain("world", 1)).await;
        let faults = local::sqs::Faults { duplicate_per_mille: 1000, ..Default::default() };
        stack.cloud().set_faults("work", faults).expect("a queue");
        let made = tenant.administrator.post("/schedules", &schedule(&job, "*/5 * * * *")).await.expect(201);
        assert!(made["next_fire_at"].is_string(), "{made:#}");
        for slot in 1..=3 {
            stack.advance(Duration::from_secs(300)).await.expect("time moves");
            for _ in 0..3 {
                stack.cloud().tick_now("scheduler").await.expect("a tick");
            }
            until("the slot has run", SOON, async || {
                let runs = runs_of(&tenant, &job).await;
                runs.len() >= slot && runs.iter().all(|run| run["state"] == "succeeded")
            })
            .await;
        }
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let runs = runs_of(&tenant, &job).await;
        let mut slots: Vec<&str> = runs.iter().filter_map(|run| run["logical_date"].as_str()).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), runs.len(), "one run a slot: {slots:?}");
        assert!((3..=4).contains(&runs.len()), "fifteen minutes hold three slots, or four: {slots:?}");
        assert!(runs.iter().all(|run| run["trigger"] == "schedule"));
        assert_eq!(world.count("POST", "/start/t0"), runs.len(), "each run started its task once");
        stack.stop().await;
    });
}

#[test]
fn a_paused_schedule_does_not_fire_and_a_resumed_one_goes_on_from_now() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "hourly", &work::chain("world", 1)).await;
        let made = tenant.administrator.post("/schedules", &schedule(&job, "0 * * * *")).await.expect(201);
        let path = format!("/schedules/{}", work::id(&made));
        let paused = tenant.operator.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        assert_eq!(paused["state"], "paused");
        for _ in 0..3 {
            stack.advance(Duration::from_secs(3600)).await.expect("time moves");
            stack.cloud().tick_now("scheduler").await.expect("a tick");
        }
        assert_eq!(runs_of(&tenant, &job).await, Vec::<Value>::new());
        let resumed = tenant.operator.post(&format!("{path}/resume"), &json!({})).await.expect(200);
        assert_eq!(resumed["state"], "active");
        stack.advance(Duration::from_secs(3600)).await.expect("time moves");
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        until("one slot has run", SOON, async || runs_of(&tenant, &job).await.len() == 1).await;
        stack.stop().await;
    });
}

#[test]
fn a_schedule_whose_parameters_the_job_no_longer_takes_fails_visibly_and_starts_nothing() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "grown", &work::chain("world", 1)).await;
        tenant.administrator.post("/schedules", &schedule(&job, "0 * * * *")).await.expect(201);
        let parameters = json!({ "type": "object", "required": ["region"] });
        let grown = json!({ "name": "grown", "tasks": work::chain("world", 1), "parameters": parameters });
        tenant.administrator.put(&format!("/jobs/{}", work::id(&job)), &grown).await.expect(200);
        stack.advance(Duration::from_secs(3600)).await.expect("time moves");
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        until("the slot is told of", SOON, async || !runs_of(&tenant, &job).await.is_empty()).await;
        let run = &runs_of(&tenant, &job).await[0];
        assert_eq!((&run["state"], &run["reason"]), (&json!("failed"), &json!("parameters")), "{run:#}");
        let events = work::all(&tenant.operator, &format!("/runs/{}/events", work::id(run))).await;
        assert!(
            events[0]["detail"]["message"].as_str().is_some_and(|text| text.contains("region")),
            "{events:#?}"
        );
        assert_eq!(world.len(), 0);
        stack.stop().await;
    });
}

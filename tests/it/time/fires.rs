//! When a schedule fires, and when it does not.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{
    invariants, stack, tenant,
    work::{self, SOON},
    world::World,
};

use super::{dates, go_to, instant, job, now, schedule};

#[test]
fn a_schedule_fires_on_its_second() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = job(&tenant).await;
        // The next fire is at least ten minutes away, so that ticks and sweeps have to find it.
        let at = now(&stack).await + SignedDuration::from_mins(12);
        let at = Timestamp::from_second(at.as_second() / 60 * 60 + 37).expect("an instant");
        let local = at.to_zoned(jiff::tz::TimeZone::UTC);
        let cron = format!("37 {} {} * * *", local.minute(), local.hour());
        let made = schedule(&tenant, &job, &cron, "UTC").await;
        assert_eq!(instant(&made["next_fire_at"]), at, "{made:#}");
        go_to(&stack, at - SignedDuration::from_secs(80)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(dates(&tenant.operator, &job).await, []);
        go_to(&stack, at - SignedDuration::from_secs(3)).await;
        work::until("it fired", SOON, async || !dates(&tenant.operator, &job).await.is_empty()).await;
        let runs = work::all(&tenant.operator, &format!("/runs?job_id={}", work::id(&job))).await;
        let run = work::wait_for_run(&tenant.operator, &runs[0], "succeeded", SOON).await;
        let late = instant(&run["created_at"]).duration_since(at);
        assert!(late >= SignedDuration::ZERO, "{late:?} early");
        assert!(late < SignedDuration::from_millis(1_500), "{late:?} late");
        assert_eq!((run["trigger"].as_str(), instant(&run["logical_date"])), (Some("schedule"), at));
        assert_eq!(run["schedule_id"], made["id"]);
        assert_eq!(instant(&run["data_interval_end"]), at);
        assert_eq!(world.len(), 1);
        let next = tenant.operator.get(&format!("/schedules/{}", work::id(&made))).await.expect(200);
        assert_eq!(instant(&next["next_fire_at"]), at + SignedDuration::from_hours(24));
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn what_the_preview_says_is_what_happens() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = job(&tenant).await;
        // Off the minute, in a zone that is off the hour.
        let rule = json!({ "cron": "20 */3 * * * *", "time_zone": "Asia/Kathmandu", "count": 5 });
        let preview = tenant.operator.post("/schedules/preview", &rule).await.expect(200);
        let said: Vec<Timestamp> =
            preview["items"].as_array().expect("fires").iter().map(|fire| instant(&fire["at"])).collect();
        assert_eq!(said.len(), 5);
        schedule(&tenant, &job, "20 */3 * * * *", "Asia/Kathmandu").await;
        for at in &said {
            go_to(&stack, *at - SignedDuration::from_secs(30)).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            go_to(&stack, *at).await;
            work::until("it fired", SOON, async || dates(&tenant.operator, &job).await.last() == Some(at))
                .await;
        }
        let happened = dates(&tenant.operator, &job).await;
        assert_eq!(happened[happened.len() - said.len()..], said[..]);
        assert!(happened.len() <= said.len() + 1, "{happened:?}");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_paused_schedule_fires_nothing_and_makes_up_for_nothing() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = job(&tenant).await;
        let made = schedule(&tenant, &job, "* * * * *", "UTC").await;
        let path = format!("/schedules/{}", work::id(&made));
        // A message of its next fire is on its way already.
        let paused = tenant.operator.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        assert_eq!((paused["state"].as_str(), &paused["next_fire_at"]), (Some("paused"), &Value::Null));
        for _ in 0..5 {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        assert_eq!(dates(&tenant.operator, &job).await, []);

        let resumed = tenant.operator.post(&format!("{path}/resume"), &json!({})).await.expect(200);
        let next = instant(&resumed["next_fire_at"]);
        assert!(next > now(&stack).await - SignedDuration::from_secs(5));
        go_to(&stack, next).await;
        work::until("it fires again", SOON, async || !dates(&tenant.operator, &job).await.is_empty()).await;
        assert_eq!(dates(&tenant.operator, &job).await.first(), Some(&next));
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn after_a_long_silence_the_late_fire_comes_once_and_no_storm_follows() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = job(&tenant).await;
        schedule(&tenant, &job, "* * * * *", "UTC").await;
        let before = now(&stack).await;
        // Three hours in one leap: nothing ticked meanwhile.
        stack.advance(Duration::from_secs(3 * 3_600)).await.expect("time moves");
        tokio::time::sleep(Duration::from_secs(2)).await;
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        let back = before + SignedDuration::from_hours(3);
        work::until("it fires again", SOON, async || {
            stack.advance(Duration::from_secs(20)).await.expect("time moves");
            dates(&tenant.operator, &job).await.iter().any(|at| *at >= back)
        })
        .await;
        let made_up = dates(&tenant.operator, &job).await.into_iter().filter(|at| *at < back).count();
        assert!(made_up <= 2, "{made_up} fires of the silence came");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_schedule_that_was_changed_or_deleted_does_not_fire_as_it_was() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let (changed, deleted) = (job(&tenant).await, job(&tenant).await);
        let first = schedule(&tenant, &changed, "* * * * *", "UTC").await;
        let second = schedule(&tenant, &deleted, "* * * * *", "UTC").await;
        let body = json!({ "name": first["name"], "job_id": first["job_id"], "cron": "0 0 1 1 *", "time_zone": "UTC" });
        tenant.administrator.put(&format!("/schedules/{}", work::id(&first)), &body).await.expect(200);
        let gone = tenant.administrator.delete(&format!("/schedules/{}", work::id(&second))).await;
        assert_eq!(gone.status / 100, 2, "{}", gone.text());
        for _ in 0..3 {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert_eq!(dates(&tenant.operator, &changed).await, []);
        assert_eq!(dates(&tenant.operator, &deleted).await, []);
        assert!(world.is_empty());
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

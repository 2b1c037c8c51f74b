//! A tick is a hint: doubled, dropped, killed half-way or with another at the same time, each instant has one run.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use local::stack::Stack;
use serde_json::Value;
use tests::{
    database, invariants, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};

use super::{dates, job, schedule};

/// How many schedules fire each minute.
const SCHEDULES: usize = 8;

async fn every_minute(stack: &Stack) -> (Tenant, Vec<Value>) {
    let tenant = tenant::new(stack).await;
    away_from_the_minute(stack).await;
    work::connection(&tenant.administrator, "platform", &World::at_once()).await;
    let mut jobs = Vec::new();
    for _ in 0..SCHEDULES {
        let job = job(&tenant).await;
        schedule(&tenant, &job, "* * * * *", "UTC").await;
        jobs.push(job);
    }
    (tenant, jobs)
}

/// Moves time to shortly after a minute. Tests step by whole minutes, so each step then lands there too, and a fire is never a
/// whole minute late only because the step came just before the next one.
async fn away_from_the_minute(stack: &Stack) {
    let client = database::superuser(stack).await;
    let ask = "select extract(second from system.now())::float8";
    let second: f64 = client.query_one(ask, &[]).await.expect("the database's time").get(0);
    stack.advance(Duration::from_secs_f64((66.0 - second) % 60.0)).await.expect("time moves");
}

/// The minutes that each job ran for.
async fn minutes(tenant: &Tenant, jobs: &[Value]) -> BTreeMap<String, Vec<Timestamp>> {
    let mut minutes = BTreeMap::new();
    for job in jobs {
        minutes.insert(work::id(job), dates(&tenant.operator, job).await);
    }
    minutes
}

/// Waits until every schedule has fired for as many minutes, and checks that none is missing between the first and the last.
async fn each_minute_has_its_run(tenant: &Tenant, jobs: &[Value], at_least: usize) {
    let mut seen = BTreeMap::new();
    work::until("all have fired", SOON, async || {
        seen = minutes(tenant, jobs).await;
        seen.values().all(|dates| dates.len() >= at_least)
    })
    .await;
    for (job, dates) in seen {
        let gaps: Vec<_> =
            dates.windows(2).filter(|pair| pair[1].duration_since(pair[0]).as_secs() != 60).collect();
        assert!(gaps.is_empty(), "{job}: {gaps:?}");
    }
}

#[test]
fn many_schedulers_at_once_make_one_run_for_each_instant() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, jobs) = every_minute(&stack).await;
        for _ in 0..4 {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            let ticks = join_all((0..4).map(|_| stack.cloud().tick_now("scheduler"))).await;
            assert!(ticks.iter().all(Result::is_ok), "{ticks:?}");
            tokio::time::sleep(Duration::from_millis(800)).await;
        }
        each_minute_has_its_run(&tenant, &jobs, 3).await;
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_scheduler_that_is_killed_in_its_tick_loses_and_doubles_nothing() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, jobs) = every_minute(&stack).await;
        let mut killed = 0;
        for n in 0..5_u64 {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            // At another instant each time.
            tokio::time::sleep(Duration::from_millis(1 + 3 * n)).await;
            killed += stack.cloud().kill("scheduler").await.expect("a function");
            tokio::time::sleep(Duration::from_millis(300)).await;
            let _lost = stack.cloud().tick_now("scheduler").await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        assert!(killed > 0, "no scheduler was there to be killed");
        // What a killed tick had claimed and not sent comes back after its lease: 120 s past an instant that may have been 90 s
        // ahead, and then with the next minute's tick. Minutes pass until each schedule has fired again.
        let mut seen = BTreeMap::new();
        for _ in 0..12 {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            tokio::time::sleep(Duration::from_millis(1500)).await;
            seen = minutes(&tenant, &jobs).await;
            if seen.values().all(|dates| dates.len() >= 2) {
                break;
            }
        }
        assert!(seen.values().all(|dates| dates.len() >= 2), "all fire: {seen:?}");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn with_every_second_tick_dropped_each_instant_still_has_its_run() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, jobs) = every_minute(&stack).await;
        for n in 0..6 {
            let dropped = n % 2 == 0;
            if dropped {
                // Nothing of this minute's tick happens.
                stack.cloud().freeze("scheduler").expect("a function");
                stack.cloud().kill("scheduler").await.expect("a function");
            }
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            if dropped {
                stack.cloud().kill("scheduler").await.expect("a function");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        each_minute_has_its_run(&tenant, &jobs, 3).await;
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

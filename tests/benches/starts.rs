//! The hot path from outside: API → Postgres → SQS → dispatcher → an HTTP platform, whose own ledger says when a start
//! arrived. Goals: trigger → start p50 at most 25 ms idle; at least 150 task starts a second, on two cores.

use std::time::{Duration, Instant};

use local::stack::Stack;
use serde_json::json;
use tests::{tenant, world::World};

use crate::{
    figure::{percentile, report},
    job,
};

const SINGLE_RUNS: usize = 60;
const CHAIN_RUNS: usize = 600;
const CLIENTS: usize = 8;

pub(crate) async fn trigger_to_start(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let world = World::at_once();
    let job = job::chain(&tenant, &world, 2).await;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for run in 0..SINGLE_RUNS {
        let triggered = Instant::now();
        tenant.operator.post(&format!("/jobs/{job}/runs"), &json!({})).await.expect(201);
        let ledger = until(&world, 2 * (run + 1)).await;
        let (a, b) = (ledger[2 * run].at, ledger[2 * run + 1].at);
        first.push(a.saturating_duration_since(triggered));
        second.push(b.saturating_duration_since(a));
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    report("starts.trigger_to_start_p50", percentile(&mut first, 50), "ms");
    report("starts.trigger_to_start_p95", percentile(&mut first, 95), "ms");
    report("starts.first_to_second_task_p50", percentile(&mut second, 50), "ms");
}

pub(crate) async fn starts_per_second(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let world = World::at_once();
    let job = job::chain(&tenant, &world, 2).await;
    let began = Instant::now();
    let callers = (0..CLIENTS).map(|_| async {
        for _ in 0..CHAIN_RUNS / CLIENTS {
            tenant.operator.post(&format!("/jobs/{job}/runs"), &json!({})).await.expect(201);
        }
    });
    futures_util::future::join_all(callers).await;
    report("starts.api_runs_per_second", CHAIN_RUNS as f64 / began.elapsed().as_secs_f64(), "runs/s");
    let ledger = until(&world, 2 * CHAIN_RUNS).await;
    let last = ledger.last().expect("starts").at;
    assert_eq!(ledger.len(), 2 * CHAIN_RUNS, "every task started once");
    report(
        "starts.task_starts_per_second",
        ledger.len() as f64 / last.duration_since(began).as_secs_f64(),
        "starts/s",
    );
}

/// The world's ledger once it holds this many entries.
async fn until(world: &World, entries: usize) -> Vec<tests::world::Entry> {
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        if world.len() >= entries {
            return world.ledger();
        }
        assert!(Instant::now() < patience, "{} of {entries} starts arrived", world.len());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

//! What one workspace feels of another: p99 of a quiet one that calls fifty times a second (open loop: a call is sent at its time,
//! whether or not the one before was answered): by itself, beside one that calls twenty times as often, beside 64 clients of a
//! noisy one that call as fast as they are answered, and beside as many that have a large log verified whenever they are let.
//! Goal beside the first: at most twice by itself and 10 ms, no error; who calls too often is answered 429.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use local::stack::Stack;
use serde_json::json;
use tests::{audit, caller::Caller, tenant};

use crate::{
    audit_verify,
    figure::{percentile, report},
};

const TIME: Duration = Duration::from_secs(30);
const APART: Duration = Duration::from_millis(20);
/// How many times as often the neighbour calls.
const TIMES: u32 = 20;
const NOISY_CLIENTS: usize = 64;
/// Rows of the log that is verified: some seconds' work.
const LOGGED: u32 = 300_000;

pub(crate) async fn quiet_beside_noisy(stack: &Stack) {
    let (quiet, noisy) =
        (tenant::with_limits(stack, json!({})).await, tenant::with_limits(stack, json!({})).await);
    let solo = percentile(&mut calls(&quiet.operator, TIME).await, 99);
    report("fair.quiet_solo_p99", solo, "ms");
    let (mut beside, busy) = join(calls(&quiet.operator, TIME), busy(&noisy.operator, TIME)).await;
    let beside = percentile(&mut beside, 99);
    report("fair.quiet_beside_twenty_times_p99", beside, "ms");
    report("fair.quiet_over_its_goal", beside / (2.0 * solo + 10.0), "x");
    report("fair.twenty_times_let_through", busy[0] as f64 / TIME.as_secs_f64(), "calls/s");
    report("fair.twenty_times_refused", busy[1] as f64 / TIME.as_secs_f64(), "calls/s");
    let (mut beside, flood) = join(calls(&quiet.operator, TIME), flood(&noisy.operator, "/me", TIME)).await;
    let beside = percentile(&mut beside, 99);
    let [through, refused] = flood.map(|count| count as f64 / TIME.as_secs_f64());
    report("fair.quiet_beside_noisy_p99", beside, "ms");
    report("fair.noisy_calls", through + refused, "calls/s");
    report("fair.noisy_let_through", through, "calls/s");
    report("fair.noisy_refused", refused, "calls/s");
    beside_verifications(stack, &quiet.operator, solo).await;
}

/// Beside a neighbour that has a large log verified whenever it is let.
async fn beside_verifications(stack: &Stack, quiet: &Caller, solo: f64) {
    let verifier = tenant::with_limits(stack, json!({})).await;
    audit_verify::fill(stack, &verifier, LOGGED).await;
    audit::seal(stack, verifier.id).await;
    let verify = flood(&verifier.administrator, "/audit/verify", TIME);
    let (mut beside, counts) = join(calls(quiet, TIME), verify).await;
    let beside = percentile(&mut beside, 99);
    report("fair.quiet_beside_verify_p99", beside, "ms");
    report("fair.quiet_beside_verify_over_its_goal", beside / (2.0 * solo + 10.0), "x");
    report("fair.verify_let_through", counts[0] as f64 / TIME.as_secs_f64(), "calls/s");
    report("fair.verify_refused", counts[1] as f64 / TIME.as_secs_f64(), "calls/s");
}

/// One call each 20 ms; how long each took from the instant at which it was due. An error ends the bench.
async fn calls(by: &Caller, time: Duration) -> Vec<Duration> {
    let began = Instant::now();
    let count = time.as_millis() / APART.as_millis();
    let calls = (0..u32::try_from(count).expect("few")).map(|n| async move {
        let due = began + APART * n;
        tokio::time::sleep_until(due.into()).await;
        by.get("/me").await.expect(200);
        due.elapsed()
    });
    join_all(calls).await
}

/// Calls at their times, twenty times as many: how many were let through and refused.
async fn busy(by: &Caller, time: Duration) -> [usize; 2] {
    let (began, apart) = (Instant::now(), APART / TIMES);
    let count = time.as_micros() / apart.as_micros();
    let calls = (0..u32::try_from(count).expect("not too many")).map(|n| async move {
        tokio::time::sleep_until((began + apart * n).into()).await;
        match by.get("/me").await.status {
            200 => [1, 0],
            429 => [0, 1],
            other => panic!("a call was answered {other}"),
        }
    });
    join_all(calls).await.into_iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
}

/// Calls of a path let through and refused.
async fn flood(by: &Caller, path: &str, time: Duration) -> [usize; 2] {
    let until = Instant::now() + time;
    let clients = (0..NOISY_CLIENTS).map(|_| async {
        let mut counts = [0, 0];
        while Instant::now() < until {
            match by.get(path).await.status {
                200 => counts[0] += 1,
                429 => counts[1] += 1,
                other => panic!("a noisy call was answered {other}"),
            }
        }
        counts
    });
    join_all(clients).await.into_iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
}

//! What one workspace feels of another: p99 of a quiet one that calls fifty times a second (open loop: a call is sent at its time,
//! whether or not the one before was answered): by itself, beside one that calls twenty times as often, and beside 64 clients of a
//! noisy one that call as fast as they are answered. Goal beside the first: at most twice by itself and 10 ms, no error; who calls
//! too often is answered 429.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use local::stack::Stack;
use serde_json::json;
use tests::{caller::Caller, tenant};

use crate::figure::{percentile, report};

const TIME: Duration = Duration::from_secs(30);
const APART: Duration = Duration::from_millis(20);
/// How many times as often the neighbour calls.
const TIMES: u32 = 20;
const NOISY_CLIENTS: usize = 64;

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
    let (mut beside, flood) = join(calls(&quiet.operator, TIME), flood(&noisy.operator, TIME)).await;
    let beside = percentile(&mut beside, 99);
    let [through, refused] = flood.map(|count| count as f64 / TIME.as_secs_f64());
    report("fair.quiet_beside_noisy_p99", beside, "ms");
    report("fair.noisy_calls", through + refused, "calls/s");
    report("fair.noisy_let_through", through, "calls/s");
    report("fair.noisy_refused", refused, "calls/s");
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

/// Calls let through and refused.
async fn flood(by: &Caller, time: Duration) -> [usize; 2] {
    let until = Instant::now() + time;
    let clients = (0..NOISY_CLIENTS).map(|_| async {
        let mut counts = [0, 0];
        while Instant::now() < until {
            match by.get("/me").await.status {
                200 => counts[0] += 1,
                429 => counts[1] += 1,
                other => panic!("a noisy call was answered {other}"),
            }
        }
        counts
    });
    join_all(clients).await.into_iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
}

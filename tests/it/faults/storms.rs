//! Everything at once: the dispatcher is killed again and again, at whatever instant, under work of both kinds.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

use super::kills::{KEY, PAST_ANY_LEASE, keyed, was_told};

/// A fixed sequence that looks like chance: multiplicative congruential (Park, Miller 1988).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % bound
    }
}

#[test]
fn however_often_the_dispatcher_is_killed_each_task_runs_once_and_all_get_done() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let world = World::new(|request, before| {
            let answer = Answer::Json(200, json!({}));
            if was_told(request, before) {
                answer
            } else {
                Answer::After(Duration::from_millis(30), Box::new(answer))
            }
        });
        keyed(&tenant.administrator, &world).await;
        let job = work::job(&tenant.administrator, "storm", &work::chain("platform", 12)).await;
        let fan = work::job(&tenant.administrator, "storm of many", &work::fan("platform", 12)).await;
        let mut runs: Vec<Value> = Vec::new();
        for job in [&job, &job, &fan, &fan] {
            runs.push(work::run(&tenant.operator, job).await);
        }
        let (mut chance, mut killed) = (Chance(20_261_121), 0);
        for _ in 0..24 {
            tokio::time::sleep(Duration::from_millis(20 + chance.below(180))).await;
            killed += stack.cloud().kill("dispatcher").await.expect("a function");
            if chance.below(3) == 0 {
                stack.advance(PAST_ANY_LEASE).await.expect("time moves");
            }
        }
        assert!(killed >= 8, "only {killed} were there to be killed");
        for run in &runs {
            // What the last kills left behind is found by lease, sweep and the queue's visibility.
            work::until("the run is over", SOON * 3, async || {
                stack.advance(PAST_ANY_LEASE).await.expect("time moves");
                tokio::time::sleep(Duration::from_millis(500)).await;
                let seen = tenant.operator.get(&format!("/runs/{}", work::id(run))).await.expect(200);
                !matches!(seen["state"].as_str(), Some("pending" | "active"))
            })
            .await;
            work::wait_for_run(&tenant.operator, run, "succeeded", SOON).await;
        }
        let (chains, fans) = (seen::keys(&world, KEY), runs.len());
        let started: usize = chains.values().map(std::collections::BTreeSet::len).sum();
        assert_eq!(started, 2 * 12 + 2 * 14, "{fans} runs, each task under one key: {chains:?}");
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

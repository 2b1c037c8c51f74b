//! A database beside the first falls silent: it takes connections and gives no answer, or lets in and then gives none. Its own
//! workspace is told so in time; nobody else waits for it; and once it answers again it is served again, by the same instances, and
//! what was started goes on.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use local::{settings::FUNCTIONS, stack::Stack};
use serde_json::{Value, json};
use tests::{
    database, invariants,
    operator::{self, API},
    proxy::{Flow, Proxy},
    seen, stack,
    tenant::{self, Placement, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

/// How long a function waits for a connection, or for the first answer on one: whoever waited for the silent database took longer.
const WAIT: Duration = Duration::from_secs(8);
/// How long the functions before people have for an answer.
const LONGEST: Duration = Duration::from_secs(15);
/// What a busy server may take for an answer.
const SLOW: Duration = Duration::from_secs(4);

struct Two {
    stack: Stack,
    proxy: Proxy,
    /// In the database that falls silent.
    own: Tenant,
    plain: Tenant,
}

/// Two workspaces, and every function's way to the database of one of them.
async fn two() -> Two {
    let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
    let (own, plain) = (tenant::new_in(&stack, Placement::Dedicated).await, tenant::new(&stack).await);
    let proxy = Proxy::to(&stack.superuser()).await;
    for function in FUNCTIONS {
        database::change_login(&stack, (function, "north"), |secret| secret["port"] = json!(proxy.port));
        stack.cloud().kill(function).await.expect("a function");
    }
    Two { stack, proxy, own, plain }
}

/// An answer, and how long it took.
async fn timed<T>(answer: impl Future<Output = T>) -> (T, Duration) {
    let since = Instant::now();
    (answer.await, since.elapsed())
}

impl Two {
    /// Everybody is served, by every instance.
    async fn are_served(&self) {
        for tenant in [&self.own, &self.plain] {
            work::until("it is served", SOON, async || {
                let answers = join_all((0..4).map(|_| tenant.operator.get("/runs"))).await;
                answers.iter().all(|answer| answer.status == 200)
            })
            .await;
        }
        work::until("every tick is whole", SOON, async || self.failed_ticks().await.is_empty()).await;
        work::until("operators are told so", SOON, async || {
            self.reachable().await == [json!(true), json!(true)]
        })
        .await;
    }

    /// Of each database, whether it answers: as an operator is told who signs in now.
    async fn reachable(&self) -> Vec<Value> {
        let (operator, signed_in) = timed(operator::new(&self.stack)).await;
        let (totals, told) = timed(operator.get(&format!("{API}/overview"))).await;
        assert!(signed_in < LONGEST && told < LONGEST, "{signed_in:?}, {told:?}");
        let totals = totals.expect(200);
        totals["databases"].as_array().expect("databases").iter().map(|it| it["reachable"].clone()).collect()
    }

    /// What the ticks said that did not do all they should.
    async fn failed_ticks(&self) -> Vec<String> {
        let cloud = self.stack.cloud();
        let seal = json!({ "do": "seal" }).to_string();
        let (scheduler, steward, seal) = tokio::join!(
            cloud.tick_now("scheduler"),
            cloud.tick_now("steward"),
            cloud.invoke("steward", seal)
        );
        [scheduler, steward, seal].into_iter().filter_map(|tick| Some(tick.err()?.to_string())).collect()
    }

    async fn its_own_are_told(&self) {
        for _ in 0..3 {
            let (answer, took) = timed(self.own.operator.get("/runs")).await;
            answer.problem(503, "unavailable");
            assert!(!answer.header("retry-after").is_empty() && took < LONGEST, "{took:?}");
        }
        let ((status, _), took) = timed(tenant::refused(&self.stack, &self.own.operator_account)).await;
        assert!(status == 503 && took < LONGEST, "{status} after {took:?}");
    }

    async fn nobody_else_waits(&self, until: &AtomicBool) {
        let mut slowest = Duration::ZERO;
        while !until.load(Ordering::Relaxed) {
            let (answer, took) = timed(self.plain.operator.get("/runs")).await;
            answer.expect(200);
            slowest = slowest.max(took);
        }
        let (again, took) = timed(tenant::signed_in(&self.stack, &self.plain.operator_account)).await;
        again.get("/me").await.expect(200);
        assert!(slowest.max(took) < WAIT, "{slowest:?}, to sign in {took:?}");
    }

    async fn ticks_end_and_say_which(&self) {
        let failed = self.failed_ticks().await;
        assert_eq!(failed.len(), 3, "{failed:?}");
        for said in failed {
            assert!(
                said.contains("north: ") && !said.contains("first: ") && !said.contains("timed out"),
                "{said}"
            );
        }
    }

    /// Invocations of the functions before people that gave no answer.
    fn unanswered(&self) -> u64 {
        let functions = self.stack.cloud().functions();
        ["portal", "signin", "operators"].iter().map(|name| functions[*name].failures).sum()
    }
}

async fn job(tenant: &Tenant, world: &World, task: Value) -> Value {
    work::connection(&tenant.administrator, "platform", world).await;
    work::job(&tenant.administrator, "job", &[task]).await
}

/// The run, as its own people see it once they are served.
async fn is_over(tenant: &Tenant, run: &Value) -> bool {
    let seen = tenant.operator.get(&format!("/runs/{}", work::id(run))).await;
    seen.status == 200 && seen.json()["state"] == "succeeded"
}

#[test]
fn a_database_that_falls_silent_holds_up_nobody_else_and_is_served_again_once_it_answers() {
    stack::run(async {
        let two = two().await;
        let (world, elsewhere) = (World::of_runs(3), World::at_once());
        let slow = job(&two.own, &world, work::polled("slow", "platform", &[])).await;
        let quick = job(&two.plain, &elsewhere, work::at_once("quick", "platform", &[])).await;
        for (round, silence) in [Flow::Silent, Flow::LetsIn].into_iter().enumerate() {
            two.are_served().await;
            let run = work::run(&two.own.operator, &slow).await;
            let path = format!("/runs/{}", work::id(&run));
            work::until("it runs", SOON, async || {
                seen::state(&two.own.operator.get(&path).await.expect(200), "slow") == "active/running"
            })
            .await;
            let unanswered = two.unanswered();

            two.proxy.set(silence);
            let is_told = AtomicBool::new(false);
            let told = async {
                tokio::join!(two.its_own_are_told(), two.ticks_end_and_say_which());
                assert_eq!(two.reachable().await, [json!(true), json!(false)]);
                is_told.store(true, Ordering::Relaxed);
            };
            let work = async {
                let run = work::run(&two.plain.operator, &quick).await;
                work::wait_for_run(&two.plain.operator, &run, "succeeded", SOON).await;
            };
            tokio::join!(told, work, two.nobody_else_waits(&is_told));
            assert_eq!(two.unanswered(), unanswered, "everybody was answered");

            two.proxy.set(Flow::Open);
            two.are_served().await;
            assert_eq!(two.unanswered(), unanswered, "by the same instances");
            work::until("its run goes on", SOON * 3, async || {
                two.stack.advance(Duration::from_secs(150)).await.expect("time moves");
                tokio::time::sleep(Duration::from_millis(500)).await;
                is_over(&two.own, &run).await
            })
            .await;
            assert_eq!(world.count("POST", "/runs"), round + 1, "it was started once");
        }
        for tenant in [&two.own, &two.plain] {
            invariants::hold(&two.stack, tenant).await;
        }
        two.stack.stop().await;
    });
}

#[test]
fn an_answer_that_comes_when_the_database_has_fallen_silent_is_recorded_once_it_answers_again() {
    stack::run(async {
        let two = two().await;
        let late = Answer::After(Duration::from_secs(2), Box::new(Answer::Json(200, json!({}))));
        let world = World::new(move |_, _| late.clone());
        let job = job(&two.own, &world, work::at_once("late", "platform", &[])).await;
        two.are_served().await;
        let run = work::run(&two.own.operator, &job).await;
        work::until("it is asked to start", SOON, async || world.len() == 1).await;

        two.proxy.set(Flow::Silent);
        // The first try to record it has failed for certain, and the next ones.
        tokio::time::sleep(Duration::from_secs(2) + WAIT * 2).await;
        two.proxy.set(Flow::Open);
        work::until("it is recorded", SOON * 2, async || is_over(&two.own, &run).await).await;
        assert_eq!(world.len(), 1, "it was started once");
        invariants::hold(&two.stack, &two.own).await;
        two.stack.stop().await;
    });
}

#[test]
fn a_database_that_is_slow_for_a_while_is_not_silent() {
    stack::run(async {
        let two = two().await;
        two.are_served().await;
        two.proxy.set(Flow::Silent);
        let asked = join_all((0..4).map(|_| timed(two.own.operator.get("/runs"))));
        let open = async {
            tokio::time::sleep(SLOW).await;
            two.proxy.set(Flow::Open);
        };
        let (answers, ()) = tokio::join!(asked, open);
        for (answer, took) in answers {
            answer.expect(200);
            assert!(took >= SLOW, "{took:?}");
        }
        two.own.operator.get("/runs").await.expect(200);
        two.stack.stop().await;
    });
}

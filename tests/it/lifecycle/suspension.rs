//! Suspension: from the answer on nothing is claimed, once it is `suspended` nothing can start any more, and reactivating
//! brings back what was owed.

use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Clock;
use tests::{
    invariants, scale, stack, tenant,
    tenant::Tenant,
    work::{self, SOON},
    world::{Answer, World},
};

async fn state(tenant: &Tenant) -> Value {
    tenant.administrator.get("/workspace").await.expect(200)["state"].clone()
}

async fn suspended(tenant: &Tenant) {
    tenant.administrator.post("/workspace/suspend", &json!({})).await.expect(202);
    work::until("it is suspended", SOON, async || state(tenant).await == "suspended").await;
}

#[test]
fn a_suspended_workspace_can_be_read_and_not_changed_until_it_is_reactivated() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "job", &work::chain("platform", 1)).await;
        let asked = tenant.administrator.post("/workspace/suspend", &json!({})).await.expect(202);
        let path = format!("/workspace/operations/{}", work::id(&asked));
        work::until("it is done", SOON, async || {
            tenant.administrator.get(&path).await.expect(200)["state"] == "succeeded"
        })
        .await;
        assert_eq!(state(&tenant).await, "suspended");

        let start = format!("/jobs/{}/runs", work::id(&job));
        tenant.operator.post(&start, &json!({})).await.problem(409, "workspace_suspended");
        tenant.operator.get("/runs").await.expect(200);
        tenant.administrator.post("/workspace/suspend", &json!({})).await.problem(409, "workspace_state");
        tenant.operator.post("/workspace/reactivate", &json!({})).await.problem(403, "forbidden");

        let back = tenant.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        assert_eq!(back["state"], "active");
        tenant.administrator.post("/workspace/reactivate", &json!({})).await.problem(409, "workspace_state");
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.count("POST", "/start/t0"), 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn what_waits_for_a_slot_starts_after_the_suspension_and_not_before() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/start/t0" => Answer::Hang,
            _ => Answer::Json(200, json!({})),
        });
        let by = &tenant.administrator;
        let profile =
            by.post("/concurrency-profiles", &json!({ "name": "one", "limit": 1 })).await.expect(201);
        let body = json!({ "name": "platform", "kind": "http", "settings": { "base_url": world.url() },
                           "concurrency_profile_id": profile["id"] });
        by.post("/connections", &body).await.expect(201);
        let mut slow = work::at_once("t0", "platform", &[]);
        slow["timeouts"] = json!({ "start_s": 2 });
        let slow = work::job(by, "slow", &[slow]).await;
        let waiting = work::job(by, "waiting", &[work::at_once("t1", "platform", &[])]).await;
        work::run(&tenant.operator, &slow).await;
        work::until("the first one is being started", SOON, async || world.count("POST", "/start/t0") > 0)
            .await;
        let second = work::run(&tenant.operator, &waiting).await;

        by.post("/workspace/suspend", &json!({})).await.expect(202);
        assert_eq!(state(&tenant).await, "suspending", "a call is under way");
        by.post("/workspace/reactivate", &json!({})).await.problem(409, "operation_open");
        let deletion = json!({ "name": tenant.directory.name });
        by.post("/workspace/deletion", &deletion).await.problem(409, "operation_open");
        work::until("it is suspended", Duration::from_secs(60), async || state(&tenant).await == "suspended")
            .await;
        assert_eq!(world.count("POST", "/start/t1"), 0, "nothing is claimed after the suspension");

        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        // The first start is in doubt (its platform knows no doubles) and keeps the slot; more room lets the second one in.
        let path = format!("/concurrency-profiles/{}", work::id(&profile));
        by.put(&path, &json!({ "name": "one", "limit": 2 })).await.expect(200);
        work::wait_for_run(&tenant.operator, &second, "succeeded", SOON).await;
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn of_two_suspensions_at_once_one_is_asked_for() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let nothing = json!({});
        let ask = || tenant.administrator.post("/workspace/suspend", &nothing);
        let (one, other) = futures_util::future::join(ask(), ask()).await;
        let mut answers = [one.status, other.status];
        answers.sort_unstable();
        assert_eq!(answers, [202, 409], "{} {}", one.text(), other.text());
        work::until("it is suspended", SOON, async || state(&tenant).await == "suspended").await;
        let asked = work::all(&tenant.administrator, "/workspace/operations").await;
        assert_eq!(asked.len(), 1);
        tenant.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        suspended(&tenant).await;
    });
}

#[test]
fn external_runs_are_asked_to_stop_where_that_was_asked_for() {
    stack::with(async |stack| {
        let (drained, cancelled) = (tenant::new(stack).await, tenant::new(stack).await);
        for (tenant, running) in [(&drained, "drain"), (&cancelled, "cancel")] {
            let world = World::of_runs(6);
            work::connection(&tenant.administrator, "platform", &world).await;
            let job = work::job(&tenant.administrator, "job", &[work::polled("only", "platform", &[])]).await;
            let run = work::run(&tenant.operator, &job).await;
            work::until("it runs", SOON, async || world.ledger().iter().any(|e| e.method == "GET")).await;
            let wrong = json!({ "running": "kill" });
            tenant.administrator.post("/workspace/suspend", &wrong).await.problem(400, "invalid_request");
            let how = json!({ "running": running });
            tenant.administrator.post("/workspace/suspend", &how).await.expect(202);
            work::until("it is suspended", SOON, async || state(tenant).await == "suspended").await;
            let end = if running == "drain" { "succeeded" } else { "cancelled" };
            let path = format!("/runs/{}", work::id(&run));
            work::until("it has ended", 4 * SOON, async || {
                stack.cloud().tick_now("scheduler").await.expect("a tick");
                tenant.operator.get(&path).await.expect(200)["state"] == end
            })
            .await;
            assert_eq!(world.count("POST", "/runs/ext-0/cancel"), usize::from(running == "cancel"));
            assert_eq!(state(tenant).await, "suspended");
            invariants::hold(stack, tenant).await;
        }
    });
}

#[test]
fn what_schedules_missed_is_told_and_written_down_once_each() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        // A minute past the hour: none of the minutes below brings another hour.
        let past = Clock::system().now().as_second().rem_euclid(3600);
        stack.advance(Duration::from_secs(3660 - past.unsigned_abs())).await.expect("time moves");
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        let by = &tenant.administrator;
        work::connection(by, "platform", &world).await;
        let job = work::job(by, "job", &work::chain("platform", 1)).await;
        let mut ids = Vec::new();
        for (name, cron) in [("hourly", "0 * * * *"), ("daily", "30 12 * * *"), ("yearly", "0 0 1 1 *")] {
            let body = json!({ "name": name, "job_id": job["id"], "cron": cron, "time_zone": "UTC" });
            ids.push(work::id(&by.post("/schedules", &body).await.expect(201)));
        }
        suspended(&tenant).await;
        // Three days, whatever the hour; the yearly one is due in one of 122 runs of this test at most.
        stack.advance(Duration::from_secs(3 * 86_400)).await.expect("time moves");
        let by = &tenant::signed_in(&stack, &tenant.administrator_account).await;
        let back = by.post("/workspace/reactivate", &json!({})).await.expect(200);
        let missed = back["missed"].as_array().expect("a list");
        let of = |id: &String| missed.iter().find(|m| m["schedule_id"] == **id).map(|m| m["slots"].clone());
        assert_eq!((of(&ids[0]), of(&ids[1])), (Some(json!(72)), Some(json!(3))), "{back:#}");
        let written = invariants::count(&stack, &tenant, "audit where action = 'schedule.missed'").await;
        assert_eq!(written, i64::try_from(missed.len()).expect("a few"));
        // One late run each, not seventy-two.
        let runs = format!("/runs?job_id={}", work::id(&job));
        work::until("the late runs have ended", 2 * SOON, async || {
            stack.advance(Duration::from_secs(60)).await.expect("time moves");
            stack.cloud().tick_now("scheduler").await.expect("a tick");
            let runs = work::all(by, &runs).await;
            runs.len() >= missed.len() && runs.iter().all(|run| run["state"] == "succeeded")
        })
        .await;
        assert_eq!(work::all(by, &runs).await.len(), missed.len());
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

/// Workspaces that are suspended side by side.
const AT_ONCE: usize = 5;

#[test]
fn no_external_start_is_later_than_the_commit_of_suspended() {
    let rounds = scale::of(100, 10_000).div_ceil(AT_ONCE);
    stack::with(async |stack| {
        let tenants = futures_util::future::join_all((0..AT_ONCE).map(|_| tenant::new(stack))).await;
        let starts = futures_util::future::join_all(tenants.iter().map(|tenant| interleave(tenant, rounds)));
        let starts: usize = starts.await.into_iter().sum();
        println!("suspend: interleavings={} starts={starts} late=0", rounds * AT_ONCE);
        assert!(starts >= rounds, "the suspensions met starts: {starts}");
        for tenant in &tenants {
            invariants::hold(stack, tenant).await;
        }
    });
}

/// Suspends and reactivates again and again, at another instant each time, while starts go on. Gives how many there were.
async fn interleave(tenant: &Tenant, rounds: usize) -> usize {
    let world = World::at_once();
    let by = &tenant.administrator;
    work::connection(by, "platform", &world).await;
    let job = work::job(by, "job", &work::chain("platform", 4)).await;
    let start = format!("/jobs/{}/runs", work::id(&job));
    let mut seed = tenant.id.as_u128();
    for _ in 0..rounds {
        // A full-period generator: the instants differ from round to round and from tenant to tenant.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_millis(u64::try_from((seed >> 64) % 150).expect("small"));
        let none = json!({});
        let suspend = async {
            tokio::time::sleep(wait).await;
            by.post("/workspace/suspend", &none).await.expect(202)
        };
        let first = tenant.operator.post(&start, &none);
        let second = async {
            tokio::time::sleep(wait).await;
            tenant.operator.post(&start, &none).await
        };
        let (asked, ..) = futures_util::future::join3(suspend, first, second).await;
        let path = format!("/workspace/operations/{}", work::id(&asked));
        let mut ended = Value::Null;
        work::until("it is suspended", 4 * SOON, async || {
            ended = by.get(&path).await.expect(200)["finished_at"].clone();
            !ended.is_null()
        })
        .await;
        // Recorded after the commit of `suspended`, by the clock of this same machine.
        let committed: jiff::Timestamp = ended.as_str().and_then(|at| at.parse().ok()).expect("an instant");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (instant, now) = (std::time::Instant::now(), now());
        let late = world.ledger().into_iter().filter(|entry| {
            let ago = jiff::SignedDuration::try_from(instant.duration_since(entry.at)).expect("a while");
            now - ago > committed
        });
        assert_eq!(late.map(|entry| entry.path).collect::<Vec<_>>(), Vec::<String>::new());
        by.post("/workspace/reactivate", &none).await.expect(200);
    }
    world.len()
}

#[expect(clippy::disallowed_methods, reason = "the ledger is outside, and so is its clock")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

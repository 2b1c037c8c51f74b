//! Suspension: from the answer on nothing is claimed, once it is `suspended` nothing can start any more, and reactivating
//! brings back what was owed.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    invariants, stack, tenant,
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

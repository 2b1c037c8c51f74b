//! Exports, backups and restores that somebody cancels: before they begin, while a steward is at them, on the way back, too late.

use std::time::Duration;

use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    archive,
    bends::Bend,
    caller::send,
    database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};

use super::{
    deletion,
    refusals::state,
    restore_kills::left_behind,
    restore_undone::{ask, ready, salts, step, swept, tried_again},
    restores::{backup, filled, outcome},
};

fn path(asked: &Value) -> String {
    format!("/workspace/operations/{}/cancel", work::id(asked))
}

/// Cancels it while it is open.
async fn cancel(tenant: &Tenant, asked: &Value) {
    let answer = tenant.administrator.post(&path(asked), &json!({})).await.expect(202);
    assert_eq!((&answer["id"], &answer["step"]), (&asked["id"], &json!("undo")), "{answer:#}");
}

async fn until_cancelled(stack: &Stack, asked: &Value) {
    work::until("it ends", 2 * SOON, async || tried_again(stack, asked).await).await;
    let (state, error, result) = outcome(stack, asked).await;
    assert_eq!((state.as_str(), error, result), ("cancelled", None, None));
}

/// How often a cancellation stands in the audit log.
async fn recorded(tenant: &Tenant) -> usize {
    let log = work::all(&tenant.administrator, "/audit").await;
    log.iter().filter(|entry| entry["action"] == "operation.cancel").count()
}

#[test]
fn a_restore_that_is_cancelled_while_a_steward_is_at_it_leaves_nothing() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let (before, keys) = (state(&stack).await, salts(&stack).await);
        for into in ["replace", "sandbox"] {
            let bend = Bend::holding(&stack, "vaults", "insert").await;
            let asked = ask(&tenant, &kept, into).await;
            work::until("a steward loads", SOON, async || bend.is_reached().await).await;
            cancel(&tenant, &asked).await;
            // Twice is once; and a key makes sure of it.
            cancel(&tenant, &asked).await;
            let again = tenant.administrator.request(Method::POST, &path(&asked));
            let again = send(again.header("idempotency-key", into).json(&json!({}))).await;
            again.expect(202);
            bend.straighten().await;
            until_cancelled(&stack, &asked).await;
            tenant.administrator.post(&path(&asked), &json!({})).await.expect(202);
            assert_eq!(state(&stack).await, before, "{into}");
            assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "{into}");
            assert_eq!(salts(&stack).await, keys, "{into}");
            assert_eq!(swept(&stack).await, json!([]), "{into}");
        }
        assert_eq!(recorded(&tenant).await, 8, "each request is on record");
        tenant.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        stack.stop().await;
    });
}

/// Has the steward work on operations again and again: what it was held in may still hold what the way back needs.
async fn operate(stack: &Stack) {
    loop {
        stack.advance(PAST_THE_LEASE).await.expect("time passes");
        // Fails where the steward is killed.
        let _killed = stack.order(json!({ "do": "operate" })).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn a_cancelled_restore_whose_steward_is_killed_on_the_way_back_leaves_nothing() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let (before, keys) = (state(&stack).await, salts(&stack).await);
        for (into, at) in [("replace", "in the drop"), ("replace", "end"), ("sandbox", "in the drop")] {
            let bend = Bend::holding(&stack, "vaults", "insert").await;
            let asked = ask(&tenant, &kept, into).await;
            work::until("a steward loads", SOON, async || bend.is_reached().await).await;
            stack.cloud().pause_queue("provision", true).expect("a queue");
            cancel(&tenant, &asked).await;
            bend.straighten().await;
            let gate = match at {
                "end" => Gate::at_record(&stack, "restore", at).await,
                _ => Gate::on_drop(&stack).await,
            };
            tokio::select! {
                () = gate.kill_the_steward(&stack) => {}
                () = operate(&stack) => {}
            }
            stack.cloud().pause_queue("provision", false).expect("a queue");
            until_cancelled(&stack, &asked).await;
            assert_eq!(state(&stack).await, before, "{into}, killed at {at}");
            assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "{into}, killed at {at}");
            assert_eq!(salts(&stack).await, keys, "{into}, killed at {at}");
        }
        stack.stop().await;
    });
}

#[test]
fn an_archive_that_is_cancelled_leaves_no_object() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let by = &tenant.administrator;
        for kind in ["export", "backup"] {
            // Before it begins.
            stack.cloud().pause_queue("provision", true).expect("a queue");
            let asked = by.post(&format!("/workspace/{kind}s"), &json!({})).await.expect(202);
            let told = by.post(&path(&asked), &json!({})).await.expect(202);
            assert_eq!(
                (&told["state"], &told["started_at"]),
                (&json!("cancelled"), &Value::Null),
                "{told:#}"
            );

            // Once its objects are written.
            let asked = by.post(&format!("/workspace/{kind}s"), &json!({})).await.expect(202);
            let gate = Gate::at_record(&stack, kind, "end").await;
            let order = stack.order(json!({ "do": "operate" }));
            let (_, ()) = futures_util::future::join(order, gate.kill_the_steward(&stack)).await;
            stack.cloud().pause_queue("provision", false).expect("a queue");
            let shelf = archive::shelf(&stack, tenant.id, kind, &asked);
            assert!(!archive::files(&shelf).is_empty(), "it was written");
            cancel(&tenant, &asked).await;
            until_cancelled(&stack, &asked).await;
            assert!(archive::files(&shelf).is_empty(), "{kind}");
            let shown = by.get(&format!("/workspace/{kind}s/{}", work::id(&asked))).await.expect(200);
            assert_eq!(shown["state"], "cancelled");
        }
        stack.stop().await;
    });
}

#[test]
fn what_is_over_or_has_no_way_back_is_not_cancelled_and_goes_on() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let by = &tenant.administrator;
        let then = "if exists (select from system.operations where kind = 'restore' and finished_at is null and step = 'retire') then
                        raise 'not now';
                    end if;";
        let bend = Bend::new(&stack, "audit", "insert", then).await;
        let asked = ask(&tenant, &kept, "replace").await;
        work::until("it has taken its place", SOON, async || step(&stack, &asked).await == "retire").await;
        by.post(&path(&asked), &json!({})).await.problem(409, "not_cancellable");
        bend.straighten().await;
        work::until("it ends", SOON, async || tried_again(&stack, &asked).await).await;
        assert_eq!(outcome(&stack, &asked).await.0, "succeeded");
        by.post(&path(&asked), &json!({})).await.problem(409, "operation_ended");
        by.post(&path(&kept), &json!({})).await.problem(409, "operation_ended");

        deletion::ask_for(&tenant, 3600).await;
        let open = work::all(by, "/workspace/operations?kind=deletion").await;
        by.post(&path(&open[0]), &json!({})).await.problem(409, "not_cancellable");
        assert_eq!(by.get("/workspace").await.expect(200)["state"], "deleting");
        stack.stop().await;
    });
}

#[test]
fn a_cancellation_is_for_administrators_of_the_workspace_and_for_the_version_that_they_have_seen() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let kept = backup(&tenant).await;
        let open = "update system.operations set state = 'pending', finished_at = null, not_before = now() + interval '1 day'
                    where id = $1::text::uuid";
        database::superuser(stack).await.execute(open, &[&work::id(&kept)]).await.expect("open again");
        tenant.operator.post(&path(&kept), &json!({})).await.problem(403, "forbidden");
        let told =
            |problem: Value| (problem["code"].clone(), problem["detail"].clone(), problem["errors"].clone());
        let foreign = other.administrator.post(&path(&kept), &json!({})).await.problem(404, "not_found");
        let absent = json!({ "id": tenant::random_id() });
        let absent = other.administrator.post(&path(&absent), &json!({})).await.problem(404, "not_found");
        assert_eq!(told(foreign), told(absent));
        let by = &tenant.administrator;
        let old = by.request(Method::POST, &path(&kept)).header("if-match", "\"0.old\"").json(&json!({}));
        send(old).await.problem(412, "precondition_failed");
        by.post(&path(&kept), &json!({ "why": "because" })).await.problem(400, "invalid_request");
        let shown = by.get(&format!("/workspace/operations/{}", work::id(&kept))).await;
        let tag = shown.header("etag").to_owned();
        let new = by.request(Method::POST, &path(&kept)).header("if-match", tag).json(&json!({}));
        assert_eq!(send(new).await.expect(202)["state"], "cancelled");
    });
}

//! The steward is killed with signal 9 in and after each step of an operation: another one takes it over, and it ends as if
//! nothing had been.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    content::{self, Traces},
    database, invariants, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

use super::deletion::{ask_for, certificate, fill, gone};

/// Each step of a deletion, as the one that is about to be recorded when the one before it is done.
const STEPS: [&str; 9] =
    ["drain", "cancel", "confirm", "count", "archive", "keys", "drop", "rows", "certify"];
/// In the middle of a step: a table, and what is about to be done to a row of it.
const INSIDE: [(&str, &str); 7] = [
    ("system.tenants", "update"),
    ("system.sessions", "delete"),
    ("system.memberships", "delete"),
    ("system.users", "delete"),
    ("system.tenant_keys", "delete"),
    ("system.tombstones", "insert"),
    ("system.directories", "update"),
];

/// The lease of whoever was killed has run out; somebody else does the rest.
async fn take_over(stack: &Stack, tenant: &Tenant) -> Value {
    stack.advance(PAST_THE_LEASE).await.expect("time moves");
    work::until("it is deleted", 2 * SOON, async || {
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        !certificate(stack, tenant).await.is_null()
    })
    .await;
    certificate(stack, tenant).await
}

/// Deletes a filled workspace, killed at a gate, beside one that must not change.
async fn killed_at(stack: &Stack, other: &Tenant, what: &str, gate: impl AsyncFnOnce() -> Gate) {
    let tenant = tenant::new(stack).await;
    let world = World::at_once();
    fill(&tenant, &world).await;
    let traces = Traces::of(stack, &tenant).await;
    let before = content::of(stack, other.id, &other.schema).await;
    ask_for(&tenant, 50).await;
    let gate = gate().await;
    // Only once the gate stands does the grace end.
    stack.advance(Duration::from_secs(60)).await.expect("time moves");
    let order = stack.order(json!({ "do": "operate" }));
    let (_, ()) = futures_util::future::join(order, gate.kill_the_steward(stack)).await;
    let certificate = take_over(stack, &tenant).await;
    assert_eq!(traces.left(stack).await, Vec::<String>::new(), "killed at {what}");
    assert_eq!(content::of(stack, other.id, &other.schema).await, before, "killed at {what}");
    assert!(certificate["before"]["rows"]["runs"].as_i64() >= Some(1), "killed at {what}: {certificate:#}");
    let swept = stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps");
    assert_eq!(swept["leftovers"], json!([]), "killed at {what}");
}

#[test]
fn a_deletion_whose_steward_is_killed_after_any_step_is_finished_once() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let other = tenant::new(&stack).await;
        for step in STEPS {
            killed_at(&stack, &other, step, async || Gate::at_record(&stack, "deletion", step).await).await;
        }
        killed_at(&stack, &other, "the end", async || Gate::at_record(&stack, "deletion", "end").await).await;
        stack.stop().await;
    });
}

#[test]
fn a_deletion_whose_steward_is_killed_inside_a_step_is_finished_once() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let other = tenant::new(&stack).await;
        for (table, verb) in INSIDE {
            killed_at(&stack, &other, table, async || Gate::on(&stack, table, verb).await).await;
        }
        killed_at(&stack, &other, "the drop", async || Gate::on_drop(&stack).await).await;
        stack.stop().await;
    });
}

#[test]
fn what_a_late_worker_wrote_is_taken_away_before_anything_is_certified() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let traces = Traces::of(&stack, &tenant).await;
        let gate = Gate::at_record(&stack, "deletion", "certify").await;
        ask_for(&tenant, 1).await;
        work::until("its rows are gone", 2 * SOON, async || gate.is_reached().await).await;
        let late = "insert into system.due (tenant_id, kind, ref, at) values ($1, 'watch', $1, now())";
        database::superuser(&stack).await.execute(late, &[&tenant.id]).await.expect("a late row");
        gate.open().await;
        gone(&stack, &tenant).await;
        assert_eq!(traces.left(&stack).await, Vec::<String>::new());
        stack.stop().await;
    });
}

#[test]
fn a_suspension_whose_steward_is_killed_is_finished() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        for (at, running) in [("inside", "drain"), ("cancel", "cancel"), ("end", "cancel"), ("end", "drain")]
        {
            let tenant = tenant::new(&stack).await;
            let world = World::new(|request, _| match request.method.as_str() {
                "POST" => Answer::Json(201, json!({ "id": "ext" })),
                _ => Answer::Json(200, json!({ "state": "running" })),
            });
            work::connection(&tenant.administrator, "platform", &world).await;
            let job = work::job(&tenant.administrator, "job", &[work::polled("only", "platform", &[])]).await;
            let run = work::run(&tenant.operator, &job).await;
            work::until("it runs", SOON, async || world.ledger().iter().any(|e| e.method == "GET")).await;
            // The portal writes the state first; the steward is let through to where it is held.
            let gate = match at {
                "inside" => None,
                step => Some(Gate::at_record(&stack, "suspend", step).await),
            };
            stack.cloud().pause_queue("provision", true).expect("a queue");
            tenant.administrator.post("/workspace/suspend", &json!({ "running": running })).await.expect(202);
            let gate = match gate {
                Some(gate) => gate,
                None => Gate::on(&stack, "system.tenants", "update").await,
            };
            let order = stack.order(json!({ "do": "operate" }));
            let (_, ()) = futures_util::future::join(order, gate.kill_the_steward(&stack)).await;
            stack.cloud().pause_queue("provision", false).expect("a queue");
            stack.advance(PAST_THE_LEASE).await.expect("time moves");
            let by = &tenant.administrator;
            work::until("it is suspended", SOON, async || {
                stack.order(json!({ "do": "operate" })).await.expect("the steward works");
                let asked = work::all(by, "/workspace/operations").await;
                by.get("/workspace").await.expect(200)["state"] == "suspended"
                    && asked[0]["state"] == "succeeded"
            })
            .await;
            assert_eq!(work::all(by, "/workspace/operations").await.len(), 1);
            let asked = by.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
            assert_eq!(asked["cancel_requested_at"].is_null(), running == "drain", "{at}: {asked:#}");
            invariants::hold(&stack, &tenant).await;
        }
        stack.stop().await;
    });
}

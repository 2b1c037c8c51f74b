//! What runs outside when a backup takes the workspace's place: taken over, or stopped first. Nothing runs on that nobody knows.

use std::time::Duration;

use futures_util::future::join;
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive, database, invariants, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

use super::restore_kills::left_behind;
use super::restores::{again, backup, filled, outcome};

/// A run on a connection that was made after the backup, going on on its platform.
async fn running(tenant: &Tenant, world: &World) -> Value {
    work::connection(&tenant.administrator, "younger", world).await;
    let job = work::job(&tenant.administrator, "younger", &[work::polled("t0", "younger", &[])]).await;
    let run = work::run(&tenant.operator, &job).await;
    let path = format!("/runs/{}", work::id(&run));
    work::until("it runs", SOON, async || {
        tenant.operator.get(&path).await.expect(200)["tasks"][0]["reason"] == "running"
    })
    .await;
    run
}

/// What is owed is sent: the steward asks runs to stop, and has no key to sign messages. It wakes itself.
async fn turn(stack: &Stack) {
    stack.cloud().tick_now("scheduler").await.expect("a tick");
}

#[test]
fn a_run_on_a_connection_that_the_backup_does_not_have_is_stopped_before_the_swap() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::of_runs(100_000), World::at_once());
        let (tenant, job) = filled(&stack, &elsewhere).await;
        let by = &tenant.administrator;
        let kept = backup(&tenant).await;
        running(&tenant, &world).await;
        archive::done(by, "/workspace/suspend", &json!({ "running": "drain" })).await;
        assert_eq!(world.count("POST", "/runs/ext-1/cancel") + world.count("POST", "/runs/ext-0/cancel"), 0);
        let gate = Gate::at_record(&stack, "restore", "retire").await;
        let body = json!({ "backup_id": kept["id"], "into": "replace" });
        let asked = by.post("/workspace/restores", &body).await.expect(202);
        work::until("the swap is made", 2 * SOON, async || {
            turn(&stack).await;
            gate.is_reached().await
        })
        .await;
        let told = world.ledger();
        let cancels = told.iter().filter(|entry| entry.path.ends_with("/cancel")).count();
        assert_eq!(cancels, 1, "it was asked to stop");
        let asked_last = told.iter().rposition(|entry| entry.method == "GET").expect("it was polled");
        let cancelled = told.iter().position(|entry| entry.path.ends_with("/cancel")).expect("it was");
        assert!(asked_last > cancelled, "and its end was seen before the swap");
        gate.open().await;
        let (state, error, _) = outcome(&stack, &asked).await;
        assert_eq!(state, "succeeded", "{error:?}");
        let restored = again(&stack, &tenant).await;
        assert_eq!(world.count("POST", "/runs"), 1, "started once");
        let names = work::all(&restored.administrator, "/connections").await;
        assert!(names.iter().all(|connection| connection["name"] != "younger"), "{names:?}");
        restored.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        let run = work::run(&restored.operator, &job).await;
        work::wait_for_run(&restored.operator, &run, "succeeded", SOON).await;
        invariants::hold(&stack, &restored).await;
        stack.stop().await;
    });
}

#[test]
fn a_run_that_does_not_stop_keeps_the_backup_out_and_stays_ours() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let elsewhere = World::at_once();
        let world = World::new(|request, _| match request.method.as_str() {
            "POST" => Answer::Json(201, json!({ "id": "ext" })),
            _ => Answer::Json(200, json!({ "state": "running" })),
        });
        let (tenant, _) = filled(&stack, &elsewhere).await;
        let by = &tenant.administrator;
        let kept = backup(&tenant).await;
        let run = running(&tenant, &world).await;
        archive::done(by, "/workspace/suspend", &json!({ "running": "drain" })).await;
        let body = json!({ "backup_id": kept["id"], "into": "replace" });
        let asked = by.post("/workspace/restores", &body).await.expect(202);
        work::until("it is asked to stop", 2 * SOON, async || {
            turn(&stack).await;
            world.ledger().iter().any(|entry| entry.path.ends_with("/cancel"))
        })
        .await;
        stack.advance(Duration::from_secs(960)).await.expect("time passes");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        let (state, error, _) = outcome(&stack, &asked).await;
        let error = error.expect("a reason");
        assert_eq!(state, "failed");
        assert!(error.contains("1 external runs") && error.contains("ext"), "{error}");
        assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "what was made for it is gone");
        let here = again(&stack, &tenant).await;
        assert_eq!(here.schema, tenant.schema, "the workspace is where it was");
        assert_eq!(by.get("/workspace").await.expect(200)["state"], "suspended");
        by.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
        let polls = world.count("GET", "/runs/ext");
        work::until("it is looked after", 2 * SOON, async || {
            stack.advance(Duration::from_secs(60)).await.expect("time passes");
            stack.cloud().tick_now("scheduler").await.expect("a tick");
            world.count("GET", "/runs/ext") > polls
        })
        .await;
        stack.stop().await;
    });
}

#[test]
fn while_a_steward_drops_what_it_made_nobody_takes_the_restore_over() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let kept = backup(&tenant).await;
        // Found out only once there is a schema to load it into.
        let part = archive::shelf(&stack, tenant.id, "backup", &kept).join("part-0001");
        let mut bytes = std::fs::read(&part).expect("a part");
        bytes[20] ^= 1;
        std::fs::write(&part, bytes).expect("written");
        let gate = Gate::on_drop(&stack).await;
        stack.cloud().pause_queue("provision", true).expect("a queue");
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let asked = tenant.administrator.post("/workspace/restores", &body).await.expect(202);
        let first = stack.order(json!({ "do": "operate" }));
        let second = async {
            work::until("it is dropping", SOON, async || gate.is_reached().await).await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
            // Whatever it does meanwhile: it has not taken this one on.
            let _ = stack.order(json!({ "do": "operate" })).await;
            let ask = "select epoch from system.operations where id = $1::text::uuid";
            let client = database::superuser(&stack).await;
            let taken: i32 = client.query_one(ask, &[&work::id(&asked)]).await.expect("it").get(0);
            gate.open().await;
            taken
        };
        let (_, taken) = join(first, second).await;
        assert_eq!(taken, 1);
        stack.cloud().pause_queue("provision", false).expect("a queue");
        let (state, ..) = outcome(&stack, &asked).await;
        assert_eq!(state, "failed");
        let here = tenant::placed(&stack, tenant.directory.id).await.expect("it is placed").1;
        assert_eq!(here, tenant.schema);
        stack.stop().await;
    });
}

//! A restore that does not get on: while nothing is swapped it goes back the way it came and leaves nothing, whoever is killed on
//! that way; after the swap it is finished, however long that takes.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive,
    bends::Bend,
    database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::Tenant,
    work::{self, SOON},
    world::World,
};

use super::{
    deletion,
    refusals::state,
    restore_kills::left_behind,
    restores::{again, backup, filled, outcome},
};

/// What keeps the database from answering, as a statement of a trigger.
const BUSY: &str = "raise exception using errcode = '40001', message = 'not now';";
const BROKEN: &str = "raise 'never';";

/// Lets as much time pass as the operation was put off for, and has it tried again. Says whether it has ended.
pub(super) async fn tried_again(stack: &Stack, asked: &Value) -> bool {
    let ask = "select finished_at is not null,
                      greatest(0, extract(epoch from greatest(not_before, coalesce(lease_until, not_before)) - system.now()))::float8
               from system.operations where id = $1::text::uuid";
    let row = database::superuser(stack).await.query_one(ask, &[&work::id(asked)]).await.expect("it");
    let (has_ended, wait_s): (bool, f64) = (row.get(0), row.get(1));
    if !has_ended {
        stack.advance(Duration::from_secs_f64(wait_s + 1.0)).await.expect("time passes");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
    }
    has_ended
}

/// Tried again until it ends.
pub(super) async fn given_up(stack: &Stack, asked: &Value) -> String {
    work::until("it ends", 2 * SOON, async || tried_again(stack, asked).await).await;
    let (state, error, _) = outcome(stack, asked).await;
    assert_eq!(state, "failed");
    error.expect("a reason")
}

/// Salts of workspaces that people are in or that are being made. Spares come and go by themselves.
pub(super) async fn salts(stack: &Stack) -> i64 {
    let ask = "select count(*) from system.tenant_keys k join system.tenants t on t.id = k.tenant_id where t.state <> 'spare'";
    database::superuser(stack).await.query_one(ask, &[]).await.expect("a count").get(0)
}

/// The step at which it is.
pub(super) async fn step(stack: &Stack, asked: &Value) -> String {
    let ask = "select step from system.operations where id = $1::text::uuid";
    database::superuser(stack).await.query_one(ask, &[&work::id(asked)]).await.expect("it").get(0)
}

/// A filled workspace with a backup, of which all that is left to compare is there.
pub(super) async fn ready(stack: &Stack, world: &World) -> (Tenant, Value) {
    let (tenant, _) = filled(stack, world).await;
    let kept = backup(&tenant).await;
    archive::done(&tenant.administrator, "/workspace/suspend", &json!({})).await;
    // The canaries are made by the first tick that looks for them: here, before anything is compared.
    stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
    (tenant, kept)
}

pub(super) async fn ask(tenant: &Tenant, kept: &Value, into: &str) -> Value {
    let body = json!({ "backup_id": kept["id"], "into": into });
    tenant.administrator.post("/workspace/restores", &body).await.expect(202)
}

pub(super) async fn swept(stack: &Stack) -> Value {
    stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps")["leftovers"].clone()
}

#[test]
fn a_restore_that_keeps_failing_is_undone_and_leaves_nothing() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let (before, keys) = (state(&stack).await, salts(&stack).await);
        let broken = [
            ("load", "vaults", "insert", BUSY, "the step load failed 8 times: the database could not"),
            (
                "settle",
                "schedules",
                "update",
                BROKEN,
                "the step settle failed 8 times: the database refused it",
            ),
        ];
        for (at, table, verb, then, reason) in broken {
            for into in ["replace", "sandbox"] {
                let bend = Bend::new(&stack, table, verb, then).await;
                let asked = ask(&tenant, &kept, into).await;
                let said = given_up(&stack, &asked).await;
                bend.straighten().await;
                assert!(said.starts_with(reason), "{at} of a {into}: {said}");
                assert_eq!(state(&stack).await, before, "{at} of a {into}");
                assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "{at} of a {into}");
                assert_eq!(salts(&stack).await, keys, "{at} of a {into}");
                assert_eq!(swept(&stack).await, json!([]), "{at} of a {into}");
            }
        }
        let by = &tenant.administrator;
        let back = by.post("/workspace/reactivate", &json!({})).await.expect(200);
        assert_eq!(back["state"], "active");
        deletion::ask(&tenant).await;
        let certificate = deletion::gone(&stack, &tenant).await;
        assert_eq!(certificate["after"]["schemas"], 0, "{certificate:#}");
        assert_eq!(left_behind(&stack).await, Vec::<String>::new());
        assert_eq!(swept(&stack).await, json!([]), "the certificate is true");
        stack.stop().await;
    });
}

#[test]
fn a_restore_whose_steward_is_killed_on_the_way_back_leaves_nothing() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let (before, keys) = (state(&stack).await, salts(&stack).await);
        // What makes it turn back: a backup that is not what it says.
        let part = archive::shelf(&stack, tenant.id, "backup", &kept).join("part-0001");
        std::fs::remove_file(part).expect("removed");
        for into in ["replace", "sandbox"] {
            for at in ["undo", "in the drop", "end"] {
                let gate = match at {
                    "in the drop" => Gate::on_drop(&stack).await,
                    step => Gate::at_record(&stack, "restore", step).await,
                };
                let asked = ask(&tenant, &kept, into).await;
                gate.kill_the_steward(&stack).await;
                stack.advance(PAST_THE_LEASE).await.expect("time passes");
                stack.cloud().tick_now("steward").await.expect("a tick");
                let (ended, error, _) = outcome(&stack, &asked).await;
                assert_eq!(ended, "failed", "{into}, killed at {at}");
                assert!(error.is_some_and(|said| said.contains("part-0001 is missing")), "killed at {at}");
                assert_eq!(state(&stack).await, before, "{into}, killed at {at}");
                assert_eq!(salts(&stack).await, keys, "{into}, killed at {at}");
            }
        }
        assert_eq!(swept(&stack).await, json!([]));
        stack.stop().await;
    });
}

#[test]
fn a_restore_that_has_taken_the_workspaces_place_is_finished_however_often_its_end_fails() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let kept = backup(&tenant).await;
        let by = &tenant.administrator;
        work::vault(by, "made since").await;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        let then = "if exists (select from system.operations where kind = 'restore' and finished_at is null and step = 'retire') then
                        raise 'not now';
                    end if;";
        let bend = Bend::new(&stack, "audit", "insert", then).await;
        let asked = ask(&tenant, &kept, "replace").await;
        work::until("it has taken its place", SOON, async || step(&stack, &asked).await == "retire").await;
        for _ in 0..10 {
            assert!(!tried_again(&stack, &asked).await, "it is not given up");
        }
        assert_eq!(step(&stack, &asked).await, "retire");
        bend.straighten().await;
        work::until("it ends", SOON, async || tried_again(&stack, &asked).await).await;
        let (ended, error, _) = outcome(&stack, &asked).await;
        assert_eq!(ended, "succeeded", "{error:?}");
        let restored = again(&stack, &tenant).await;
        assert_ne!(restored.schema, tenant.schema);
        assert_eq!(left_behind(&stack).await, Vec::<String>::new());
        let by = &restored.administrator;
        let vaults = work::all(by, "/vaults").await;
        assert_eq!(vaults.len(), 1, "it is the backup: {vaults:?}");
        let made =
            work::all(by, "/audit").await.into_iter().filter(|entry| entry["action"] == "vault.create");
        assert_eq!(made.count(), 2, "what people did since the backup is in the log");
        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        stack.stop().await;
    });
}

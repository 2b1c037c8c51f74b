//! A workspace in a pool lives as one with a schema of its own does: it is suspended, exported, backed up, restored and deleted,
//! and its neighbours notice nothing of it.

use std::collections::BTreeMap;

use local::{stack::Stack, verify};
use serde_json::{Value, json};
use tests::{
    archive, content, database, invariants, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Placement, Tenant},
    work::{self, SOON},
    world::World,
};
use uuid::Uuid;

use super::{
    deletion::{ask_for, certificate, fill, gone},
    restores::{backup, outcome, replace},
};

/// Two filled workspaces of one pool, and the platform that they use.
async fn neighbours(stack: &Stack) -> (Tenant, Tenant, World) {
    let (ours, theirs) =
        (tenant::new_in(stack, Placement::Pooled).await, tenant::new_in(stack, Placement::Pooled).await);
    assert_eq!(ours.schema, theirs.schema, "one pool");
    let world = World::at_once();
    fill(&ours, &world).await;
    fill(&theirs, &world).await;
    (ours, theirs, world)
}

/// Rows of a workspace in its pool, table by table; tables without any are left out.
async fn rows(stack: &Stack, id: Uuid, pool: &str) -> BTreeMap<String, i64> {
    let client = database::superuser(stack).await;
    let tables =
        "select tablename::text from pg_tables where schemaname = $1 and tablename <> 'schema_migrations'";
    let mut held = BTreeMap::new();
    for table in client.query(tables, &[&pool]).await.expect("the tables") {
        let table: String = table.get(0);
        let ask = format!("select count(*) from \"{pool}\".{table} where tenant_id = $1");
        let count: i64 = client.query_one(&ask, &[&id]).await.expect("a count").get(0);
        if count > 0 {
            held.insert(table, count);
        }
    }
    held
}

async fn placement(stack: &Stack, tenant: &Tenant) -> (String, String) {
    let ask = "select placement, schema_name from system.tenants where id = $1";
    let row = database::superuser(stack).await.query_one(ask, &[&tenant.id]).await.expect("its route");
    (row.get(0), row.get(1))
}

/// The rows that a workspace has in its pool, as digests.
async fn inside(stack: &Stack, tenant: &Tenant) -> BTreeMap<String, String> {
    let mut tables = content::of(stack, tenant.id, &tenant.schema).await;
    tables.retain(|table, _| !table.starts_with("system."));
    tables
}

/// The same of a workspace whose runs have ended and that nothing wakes any more.
async fn at_rest(stack: &Stack, tenant: &Tenant) -> BTreeMap<String, String> {
    let mut before = inside(stack, tenant).await;
    work::until("it is at rest", SOON, async || {
        let now = inside(stack, tenant).await;
        std::mem::replace(&mut before, now.clone()) == now
    })
    .await;
    before
}

async fn swept(stack: &Stack) -> Value {
    stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps")["leftovers"].clone()
}

#[test]
fn nothing_is_left_of_a_deleted_workspace_in_its_pool_and_the_neighbour_keeps_every_row() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (ours, theirs, _) = neighbours(&stack).await;
        let (held, before) = (rows(&stack, ours.id, &ours.schema).await, at_rest(&stack, &theirs).await);
        assert!(held["runs"] >= 1 && held["credentials"] == 1, "{held:?}");
        ask_for(&ours, 1).await;
        let certificate = gone(&stack, &ours).await;
        assert_eq!(rows(&stack, ours.id, &ours.schema).await, BTreeMap::new());
        assert_eq!(inside(&stack, &theirs).await, before);
        let (counted, left) = (&certificate["before"], &certificate["after"]);
        assert_eq!((&counted["schemas"], &counted["roles"]), (&json!(0), &json!(0)), "neither was its own");
        assert!(counted["rows"]["runs"].as_i64() >= Some(1), "{counted:#}");
        assert!(
            left["rows"].as_object().is_some_and(|rows| rows.len() > 15),
            "the pool was counted: {left:#}"
        );
        assert!(left["rows"].as_object().is_some_and(|rows| rows.values().all(|n| n == 0)), "{left:#}");
        assert_eq!(swept(&stack).await, json!([]), "the pool is nobody's leftover");
        ours.administrator.get("/jobs").await.problem(401, "unauthenticated");
        theirs.operator.get("/jobs").await.expect(200);

        // A row that turns up in the pool afterwards is found, and so is one of somebody who lives elsewhere.
        let elsewhere = tenant::new(&stack).await;
        let client = database::superuser(&stack).await;
        for (of, found) in [(ours.id, 1), (elsewhere.id, 2)] {
            let plant = format!(
                "insert into \"{}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
                 values ($1, $1, 'late', 'managed', now(), now(), $1)",
                ours.schema
            );
            client.execute(&plant, &[&of]).await.expect("a late row");
            let left = swept(&stack).await;
            let of_pools =
                left.as_array().expect("a list").iter().filter(|it| it["kind"] == "rows in a pool");
            assert_eq!(of_pools.count(), found, "{left:#}");
        }
        stack.stop().await;
    });
}

#[test]
fn a_deletion_from_a_pool_whose_steward_is_killed_at_any_step_is_finished_once() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let theirs = tenant::new_in(&stack, Placement::Pooled).await;
        fill(&theirs, &World::at_once()).await;
        let before = at_rest(&stack, &theirs).await;
        for at in ["drop", "inside the pool", "rows", "certify", "end"] {
            let ours = tenant::new_in(&stack, Placement::Pooled).await;
            work::vault(&ours.administrator, "vault").await;
            ask_for(&ours, 50).await;
            let gate = match at {
                "inside the pool" => Gate::on(&stack, &format!("\"{}\".vaults", ours.schema), "delete").await,
                step => Gate::at_record(&stack, "deletion", step).await,
            };
            // Only once the gate stands does the grace end.
            stack.advance(std::time::Duration::from_secs(60)).await.expect("time moves");
            let order = stack.order(json!({ "do": "operate" }));
            let (_, ()) = futures_util::future::join(order, gate.kill_the_steward(&stack)).await;
            stack.advance(PAST_THE_LEASE).await.expect("time moves");
            work::until("it is deleted", 2 * SOON, async || {
                stack.order(json!({ "do": "operate" })).await.expect("the steward works");
                !certificate(&stack, &ours).await.is_null()
            })
            .await;
            let told = certificate(&stack, &ours).await;
            assert!(told["before"]["rows"]["vaults"].as_i64() == Some(1), "killed at {at}: {told:#}");
            assert_eq!(rows(&stack, ours.id, &ours.schema).await, BTreeMap::new(), "killed at {at}");
            assert_eq!(inside(&stack, &theirs).await, before, "killed at {at}");
            assert_eq!(swept(&stack).await, json!([]), "killed at {at}");
        }
        stack.stop().await;
    });
}

#[test]
fn a_pooled_workspace_is_exported_and_comes_back_from_a_backup_in_a_schema_of_its_own() {
    stack::with(async |stack| {
        let (ours, theirs, world) = neighbours(stack).await;
        let by = &ours.administrator;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let (folder, keys) = archive::fetch(by, &export).await;
        let checked = verify::export::export(&folder, &keys).expect("it holds");
        assert_eq!(checked.tenant, ours.id.to_string());
        for (path, bytes) in archive::files(&folder) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(&theirs.id.to_string()), "{} tells of the neighbour", path.display());
        }
        let kept = backup(&ours).await;
        let sandbox = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &sandbox).await;
        let ask = "select placement from system.tenants where id::text = $1";
        let sandbox = made["result"]["workspace_id"].as_str().expect("a workspace");
        let client = database::superuser(stack).await;
        let placed: String = client.query_one(ask, &[&sandbox]).await.expect("its route").get(0);
        assert_eq!(placed, "schema");

        let program = super::program(by).await;
        work::vault(by, "made since").await;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        by.post("/vaults", &json!({ "name": "v", "kind": "managed" }))
            .await
            .problem(409, "workspace_suspended");
        let before = at_rest(stack, &theirs).await;
        let restored = replace(stack, &ours, &kept).await;
        assert_eq!(
            placement(stack, &restored).await.0,
            "schema",
            "a restore comes back in a schema of its own"
        );
        assert_eq!(rows(stack, ours.id, &ours.schema).await, BTreeMap::new(), "nothing stays in the pool");
        assert_eq!(inside(stack, &theirs).await, before);
        // Sessions and tokens of before name the pool, and are led on from there.
        assert_eq!(program.get("/vaults").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
        let by = &restored.administrator;
        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        let job = work::all(by, "/jobs").await.remove(0);
        let starts = world.len();
        let run = work::run(&restored.operator, &job).await;
        work::wait_for_run(&restored.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.len(), starts + 2, "and nothing else was started");
        invariants::hold(stack, &restored).await;
        let left = swept(stack).await;
        let of_ours = left
            .as_array()
            .expect("a list")
            .iter()
            .filter(|it| it.to_string().contains(&ours.id.to_string()));
        assert_eq!(of_ours.count(), 0, "{left:#}");
    });
}

#[test]
fn a_restore_out_of_a_pool_that_is_killed_anywhere_is_finished_and_right() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (_, theirs, _) = neighbours(&stack).await;
        let before = at_rest(&stack, &theirs).await;
        for at in ["load", "swap", "in the swap", "retire", "in the pool", "end"] {
            let ours = tenant::new_in(&stack, Placement::Pooled).await;
            work::vault(&ours.administrator, "vault").await;
            let kept = backup(&ours).await;
            archive::done(&ours.administrator, "/workspace/suspend", &json!({})).await;
            let gate = match at {
                "in the swap" => Gate::on(&stack, "system.tenants", "update").await,
                "in the pool" => Gate::on(&stack, &format!("\"{}\".vaults", ours.schema), "delete").await,
                step => Gate::at_record(&stack, "restore", step).await,
            };
            let body = json!({ "backup_id": kept["id"], "into": "replace" });
            let asked = ours.administrator.post("/workspace/restores", &body).await.expect(202);
            gate.kill_the_steward(&stack).await;
            stack.advance(PAST_THE_LEASE).await.expect("time moves");
            stack.cloud().tick_now("steward").await.expect("a tick");
            let (state, error, _) = outcome(&stack, &asked).await;
            assert_eq!(state, "succeeded", "killed at {at}: {error:?}");
            assert_eq!(placement(&stack, &ours).await.0, "schema", "killed at {at}");
            assert_eq!(work::all(&ours.administrator, "/vaults").await.len(), 1, "killed at {at}");
            assert_eq!(rows(&stack, ours.id, &ours.schema).await, BTreeMap::new(), "killed at {at}");
            assert_eq!(inside(&stack, &theirs).await, before, "killed at {at}");
            assert_eq!(swept(&stack).await, json!([]), "killed at {at}");
        }
        stack.stop().await;
    });
}

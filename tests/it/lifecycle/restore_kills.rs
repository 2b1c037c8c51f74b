//! The steward is killed with signal 9 at each step of a restore: another takes it over, and what comes of it is what would have
//! come of it.

use std::collections::BTreeMap;

use local::stack::Stack;
use serde_json::json;
use tests::{
    archive, content, database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::Tenant,
    work,
    world::World,
};

use super::restores::{again, backup, filled, outcome, workspaces};

/// Tables in which a restore leaves everything as the backup has it.
const AS_BACKED_UP: [&str; 8] =
    ["vaults", "credentials", "jobs", "job_versions", "job_tasks", "runs", "task_runs", "attempts"];

async fn rows(stack: &Stack, tenant: &Tenant) -> BTreeMap<String, String> {
    let mut tables = content::of(stack, tenant.id, &tenant.schema).await;
    tables.retain(|table, _| AS_BACKED_UP.contains(&table.as_str()));
    tables
}

/// Schemas, roles and rows of workspaces that were being made.
pub(super) async fn left_behind(stack: &Stack) -> Vec<String> {
    let ask = "select n.nspname::text from pg_namespace n where n.nspname like 't\\_%'
               and not exists (select from system.tenants t where t.schema_name = n.nspname)
               union all select r.rolname::text from pg_roles r where r.rolname like 't\\_%'
               and not exists (select from system.tenants t where t.role_name = r.rolname)
               union all select 'tenant ' || id::text from system.tenants where state = 'provisioning'";
    let client = database::superuser(stack).await;
    client.query(ask, &[]).await.expect("the catalog").iter().map(|row| row.get(0)).collect()
}

/// Where the steward is killed: at the record of a step, in the middle of the swap, or as the old schema is dropped.
async fn gate(stack: &Stack, at: &str) -> Gate {
    match at {
        "in the swap" => Gate::on(stack, "system.tenants", "update").await,
        "in the drop" => Gate::on_drop(stack).await,
        step => Gate::at_record(stack, "restore", step).await,
    }
}

#[test]
fn a_replacement_that_is_killed_anywhere_is_finished_and_right() {
    let test = async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::at_once(), World::at_once());
        filled(&stack, &elsewhere).await;
        let (mut tenant, job) = filled(&stack, &world).await;
        let kept = backup(&tenant).await;
        let expected = rows(&stack, &tenant).await;
        work::vault(&tenant.administrator, "made since").await;
        archive::done(&tenant.administrator, "/workspace/suspend", &json!({})).await;
        // The canaries are made by the first tick that looks for them: here, before anything is compared.
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let others = workspaces(&stack, &[&tenant.schema]).await;
        for at in ["keep", "load", "settle", "stop", "swap", "in the swap", "retire", "in the drop", "end"] {
            let gate = gate(&stack, at).await;
            let body = json!({ "backup_id": kept["id"], "into": "replace" });
            let asked = tenant.administrator.post("/workspace/restores", &body).await.expect(202);
            gate.kill_the_steward(&stack).await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
            stack.cloud().tick_now("steward").await.expect("a tick");
            let (state, error, _) = outcome(&stack, &asked).await;
            assert_eq!(state, "succeeded", "killed at {at}: {error:?}");
            let old = tenant.schema.clone();
            tenant = again(&stack, &tenant).await;
            assert_ne!(tenant.schema, old, "killed at {at}");
            assert_eq!(rows(&stack, &tenant).await, expected, "killed at {at}");
            assert_eq!(workspaces(&stack, &[&tenant.schema]).await, others, "killed at {at}");
            assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "killed at {at}");
        }
        assert_eq!(world.count("POST", "/start/t0"), 1, "nothing has started");
        tenant.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", work::SOON).await;
        stack.stop().await;
    };
    stack::run(test);
}

#[test]
fn a_sandbox_that_is_killed_anywhere_is_made_once() {
    let test = async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let kept = backup(&tenant).await;
        // The canaries are made by the first tick that looks for them: here, before anything is counted.
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let before = workspaces(&stack, &[]).await.len();
        let steps = ["load", "settle", "open", "end"];
        for (made, at) in steps.into_iter().enumerate() {
            let gate = gate(&stack, at).await;
            let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
            let asked = tenant.administrator.post("/workspace/restores", &body).await.expect(202);
            gate.kill_the_steward(&stack).await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
            stack.cloud().tick_now("steward").await.expect("a tick");
            let (state, error, _) = outcome(&stack, &asked).await;
            assert_eq!(state, "succeeded", "killed at {at}: {error:?}");
            assert_eq!(workspaces(&stack, &[]).await.len(), before + made + 1, "killed at {at}");
            assert_eq!(left_behind(&stack).await, Vec::<String>::new(), "killed at {at}");
        }
        assert_eq!(world.count("POST", "/start/t0"), 1, "nothing has started");
        stack.stop().await;
    };
    stack::run(test);
}

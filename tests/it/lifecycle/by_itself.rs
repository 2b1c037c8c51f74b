//! What the platform does to a workspace by itself stands in a log, once, in the transaction that did it: also where the steward was
//! killed behind that transaction and another one has done the rest.

use futures_util::future::join;
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    database, keys, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Tenant},
    work::{self, SOON},
};
use uuid::Uuid;

use super::{
    deletion::{ask_for, certificate},
    restores::backup,
};

/// What the platform has written of an action into a workspace's own log, wherever that is by now.
async fn told(stack: &Stack, workspace: Uuid, action: &str) -> Vec<Value> {
    let client = database::superuser(stack).await;
    let ask = "select schema_name from system.tenants where id = $1";
    let schema: String = client.query_one(ask, &[&workspace]).await.expect("a workspace").get(0);
    let ask = format!(
        "select detail from \"{schema}\".audit where action = $1 and actor_kind = 'system' and actor_name = 'platform' order by id"
    );
    let rows = client.query(&ask, &[&action]).await.expect("its log");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Has the steward work until something is so.
async fn until(stack: &Stack, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    work::until(what, 2 * SOON, async || {
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        is_so().await
    })
    .await;
}

/// Asks for an operation whose steward is killed with a step's work done and not recorded; what another one has made of it.
async fn killed(stack: &Stack, by: &Tenant, path: &str, body: &Value, at: (&str, &str)) -> Value {
    let gate = Gate::at_record(stack, at.0, at.1).await;
    let asked = by.administrator.post(path, body).await.expect(202);
    gate.kill_the_steward(stack).await;
    stack.advance(PAST_THE_LEASE).await.expect("time moves");
    let path = format!("/workspace/operations/{}", work::id(&asked));
    let read = async || by.administrator.get(&path).await.expect(200);
    until(stack, "it has ended", async || !read().await["finished_at"].is_null()).await;
    let ended = read().await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    ended
}

#[test]
fn what_the_platform_does_by_itself_has_one_row_also_after_a_kill() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        let count = async |action: &str| told(&stack, tenant.id, action).await.len();
        let kept = backup(&tenant).await;

        let ended = killed(&stack, &tenant, "/workspace/suspend", &json!({}), ("suspend", "end")).await;
        let rows = told(&stack, tenant.id, "workspace.suspended").await;
        assert_eq!(rows, [json!({ "operation_id": ended["id"] })]);

        let body = json!({ "backup_id": kept["id"], "into": "replace" });
        let ended = killed(&stack, &tenant, "/workspace/restores", &body, ("restore", "retire")).await;
        let rows = told(&stack, tenant.id, "workspace.restored").await;
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["operation_id"], &rows[0]["backup_id"]), (&ended["id"], &kept["id"]));
        assert_eq!(count("workspace.suspended").await, 1, "it was carried over");

        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let ended = killed(&stack, &tenant, "/workspace/restores", &body, ("restore", "end")).await;
        let sandbox: Uuid = ended["result"]["workspace_id"].as_str().expect("an id").parse().expect("an id");
        let rows = told(&stack, sandbox, "workspace.provision").await;
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["sandbox_of"], &rows[0]["backup_id"]), (&json!(tenant.id), &kept["id"]));

        rotated_by_root(&stack, &tenant).await;
        expired(&stack, &tenant).await;
        purging(&stack).await;
        stack.stop().await;
    });
}

/// Two orders at once plan one rotation; what it retires is told once, and kept for the backups.
async fn rotated_by_root(stack: &Stack, tenant: &Tenant) {
    let version = keys::add_root(stack);
    let order = || stack.order(json!({ "do": "rotate_root" }));
    let (one, other) = join(order(), order()).await;
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    work::until("every workspace has new keys", 2 * SOON, async || {
        stack.advance(keys::PAST_THE_CONFIRMATION).await.expect("time passes");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        stack.order(json!({ "do": "roots" })).await.expect("it is told")["rotations_open"] == 0
    })
    .await;
    let rows = told(stack, tenant.id, "keys.rotate").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["root_version"], version);
    assert_eq!(told(stack, tenant.id, "keys.retire").await, [json!({ "retired": 1, "destroyed": 0 })]);
}

/// Both backups, the one that was asked for and the one that the restore took, come to their end; the first steward is killed there.
async fn expired(stack: &Stack, tenant: &Tenant) {
    assert_eq!(told(stack, tenant.id, "backup.delete").await, Vec::<Value>::new());
    let client = database::superuser(stack).await;
    let gate = Gate::at_record(stack, "expiry", "end").await;
    let now =
        "update system.operations set not_before = system.now() where kind = 'expiry' and tenant_id = $1";
    let planned = client.execute(now, &[&tenant.id]).await.expect("the operations");
    assert_eq!(planned, 2);
    let order = stack.order(json!({ "do": "operate" }));
    let (_, ()) = join(order, gate.kill_the_steward(stack)).await;
    stack.advance(PAST_THE_LEASE).await.expect("time moves");
    until(stack, "both are gone", async || told(stack, tenant.id, "backup.delete").await.len() >= 2).await;
    let open = "select count(*) from system.operations where kind = 'expiry' and tenant_id = $1 and finished_at is null";
    until(stack, "both have ended", async || {
        client.query_one(open, &[&tenant.id]).await.expect("the operations").get::<_, i64>(0) == 0
    })
    .await;
    let rows = told(stack, tenant.id, "backup.delete").await;
    assert!(rows.len() == 2 && rows.iter().all(|row| row["expired"] == true), "{rows:?}");
    let last = told(stack, tenant.id, "keys.retire").await;
    assert_eq!(last[1..], [json!({ "retired": 0, "destroyed": 1 })]);
}

/// Its own log goes with it, so it stands in the platform's.
async fn purging(stack: &Stack) {
    let tenant = &tenant::new(stack).await;
    ask_for(tenant, 50).await;
    let gate = Gate::at_record(stack, "deletion", "drain").await;
    stack.advance(std::time::Duration::from_secs(60)).await.expect("time moves");
    let order = stack.order(json!({ "do": "operate" }));
    let (_, ()) = join(order, gate.kill_the_steward(stack)).await;
    stack.advance(PAST_THE_LEASE).await.expect("time moves");
    until(stack, "it is deleted", async || !certificate(stack, tenant).await.is_null()).await;
    let client = database::superuser(stack).await;
    let ask = "select operator_name from system.operator_audit where tenant_id = $1 and action = 'workspace.purging'";
    let rows = client.query(ask, &[&tenant.id]).await.expect("the platform's log");
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["platform"]);
}

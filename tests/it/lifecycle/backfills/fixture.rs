//! A stack whose steward has a backfill, and workspaces that owe it.

use std::{fs, os::unix::fs::symlink};

use local::{settings, stack::Stack};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    db::placement::{self, Room},
    model::ids::{Id, TenantId},
};
use tests::{
    database, stack,
    tenant::{self, random_id},
};
use tokio_postgres::Client;
use uuid::Uuid;

/// The version whose backfill it is.
pub(super) const VERSION: i32 = 4;

/// A stack whose steward has the backfill.
pub(super) async fn with_backfills() -> Stack {
    stack::own(|settings| {
        let (from, folder) =
            (settings.binaries.clone(), stack::folder(&format!("backfills-{}", random_id())));
        fs::create_dir_all(&folder).expect("a folder");
        for name in settings::FUNCTIONS.iter().chain(&["signalbox"]).filter(|name| **name != "steward") {
            symlink(from.join(name), folder.join(name)).expect("a link");
        }
        let steward = from.join("examples/steward-with-backfills");
        symlink(steward, folder.join("steward")).expect("a link");
        settings.binaries = folder;
    })
    .await
}

/// A workspace with people of the version before, in a schema of its own, with so many vaults.
pub(super) async fn of_before(stack: &Stack, vaults: i32) -> (Uuid, String) {
    let steward = database::of(stack, "steward", 2).await;
    let id: TenantId = Clock::system().new_id();
    tenant::spare_at(&steward, id, VERSION - 1).await;
    let client = database::superuser(stack).await;
    let claim = "update system.tenants set state = 'active' where id = $1 returning schema_name";
    let schema: String = client.query_one(claim, &[&id.uuid()]).await.expect("it is claimed").get(0);
    fill(&client, &schema, id.uuid(), vaults).await;
    (id.uuid(), schema)
}

/// Workspaces in a pool of the version before, in the order of their ids, with three vaults each: of the same ids.
pub(super) async fn in_a_pool(stack: &Stack, count: usize) -> (Vec<Uuid>, String) {
    let steward = database::of(stack, "steward", 2).await;
    let pool = placement::make_pool(&steward, random_id(), Room::USUAL, VERSION - 1).await.expect("a pool");
    let client = database::superuser(stack).await;
    let join = "insert into system.tenants (id, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at)
                select $1, 'active', 'pooled', cell, current_database(), schema_name, schema_name, schema_version, now()
                from system.pools where schema_name = $2";
    let mut made: Vec<Uuid> = (0..count).map(|_| random_id()).collect();
    made.sort_unstable();
    for id in &made {
        client.execute(join, &[id, &pool.as_str()]).await.expect("it joins");
        fill(&client, pool.as_str(), *id, 3).await;
    }
    (made, pool.as_str().to_owned())
}

async fn fill(client: &Client, schema: &str, id: Uuid, vaults: i32) {
    let fill = format!(
        "insert into \"{schema}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
         select $1, md5(n::text)::uuid, 'v' || n, 'managed', now(), now(), $1 from generate_series(1, $2) n"
    );
    client.execute(&fill, &[&id, &vaults]).await.expect("vaults");
}

/// How often the backfill came by the vaults of a workspace: the least, the most.
pub(super) async fn marks(stack: &Stack, schema: &str, id: Uuid) -> (i32, i32) {
    let ask =
        format!("select min(version) - 1, max(version) - 1 from \"{schema}\".vaults where tenant_id = $1");
    let row = database::superuser(stack).await.query_one(&ask, &[&id]).await.expect("its vaults");
    (row.get(0), row.get(1))
}

/// How many of a workspace's vaults it came by.
pub(super) async fn marked(stack: &Stack, schema: &str, id: Uuid) -> Option<i64> {
    let ask = format!("select count(*) from \"{schema}\".vaults where tenant_id = $1 and version > 1");
    database::superuser(stack).await.query_opt(&ask, &[&id]).await.expect("its vaults").map(|row| row.get(0))
}

/// State and rows of what a workspace owes; none where it owes nothing.
pub(super) async fn owed(stack: &Stack, id: Uuid) -> Option<(String, i64)> {
    let ask = "select state, changed from system.owed_backfills where tenant_id = $1";
    let row = database::superuser(stack).await.query_opt(ask, &[&id]).await.expect("what is owed");
    row.map(|row| (row.get(0), row.get(1)))
}

pub(super) async fn migrate_all(stack: &Stack) -> Value {
    stack.order(json!({ "do": "migrate" })).await.expect("the steward migrates")["backfills"][0].clone()
}

pub(super) async fn backfill(stack: &Stack, resume: bool) -> Value {
    let order = json!({ "do": "backfill", "resume": resume });
    stack.order(order).await.expect("the steward works")["backfills"][0].clone()
}

/// Lets nobody of these have a second version of a vault.
pub(super) async fn break_in(stack: &Stack, schema: &str, of: &[Uuid]) {
    let of: Vec<String> = of.iter().map(|id| format!("'{id}'")).collect();
    let check = format!(
        "alter table \"{schema}\".vaults add constraint no_marks check (version < 2 or tenant_id not in ({}))",
        of.join(",")
    );
    database::superuser(stack).await.batch_execute(&check).await.expect("a constraint");
}

pub(super) async fn mend(stack: &Stack, schema: &str) {
    let drop = format!("alter table \"{schema}\".vaults drop constraint no_marks");
    database::superuser(stack).await.batch_execute(&drop).await.expect("no constraint");
}

//! A rollout over a thousand workspaces with people, from the order to its end: the last migration that there is, each workspace
//! in a transaction of its own. Goal: at least 1,000 workspaces a second.

use std::time::Instant;

use local::stack::Stack;
use serde_json::json;
use shared::{clock::Clock, db::migrate, model::ids::Id, model::ids::TenantId};
use tests::database;

use crate::figure::report;

const BEHIND: u32 = 1000;

pub(crate) async fn all_workspaces(stack: &Stack) {
    let pool = database::of(stack, "steward", 2).await;
    let mut made = Vec::new();
    for _ in 0..BEHIND {
        let id: TenantId = Clock::system().new_id();
        tests::tenant::spare_at(&pool, id, migrate::tenant_version() - 1).await;
        made.push(id.uuid());
    }
    let client = database::superuser(stack).await;
    let claim = "update system.tenants set state = 'active' where id = any ($1)";
    client.execute(claim, &[&made]).await.expect("they are claimed");
    let started = Instant::now();
    let answer = stack.order(json!({ "do": "migrate" })).await.expect("the steward migrates");
    let took = started.elapsed().as_secs_f64();
    assert_eq!(answer["rollout"]["state"], "done", "{answer}");
    report("rollout.migrated", f64::from(BEHIND) / took, "workspaces/s");
}

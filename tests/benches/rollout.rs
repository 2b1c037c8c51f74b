//! Rollouts over a thousand workspaces with people, each workspace a transaction of its own: the migration that most releases
//! bring, a column more, and the largest that there was, from the order to its end. Goal: at least 1,000 workspaces a second.

use std::time::Instant;

use futures_util::{StreamExt, stream};
use local::stack::Stack;
use serde_json::json;
use shared::{
    clock::Clock,
    db::{
        Database,
        migrate::{self, Migration},
    },
    model::{
        ids::{Id, TenantId},
        rollout::Home,
        tenant::SchemaName,
    },
};
use tests::database;
use uuid::Uuid;

use crate::figure::report;

const BEHIND: u32 = 1000;

/// A table, two columns, two indexes, two triggers, row-level security and grants.
const SEALS: i32 = 4;

pub(crate) async fn all_workspaces(stack: &Stack) {
    let pool = database::of(stack, "steward", 4).await;
    made(stack, &pool, SEALS - 1).await;
    let started = Instant::now();
    let answer = stack.order(json!({ "do": "migrate" })).await.expect("the steward migrates");
    let took = started.elapsed().as_secs_f64();
    assert_eq!(answer["rollout"]["state"], "done", "{answer}");
    report("rollout.tables_and_indexes", f64::from(BEHIND) / took, "workspaces/s");
    report("rollout.column", column(stack, &pool).await, "workspaces/s");
}

/// Workspaces of a version, claimed.
async fn made(stack: &Stack, pool: &Database, version: i32) -> Vec<Uuid> {
    let mut made = Vec::new();
    for _ in 0..BEHIND {
        let id: TenantId = Clock::system().new_id();
        tests::tenant::spare_at(pool, id, version).await;
        made.push(id.uuid());
    }
    let claim = "update system.tenants set state = 'active' where id = any ($1)";
    database::superuser(stack).await.execute(claim, &[&made]).await.expect("they are claimed");
    made
}

/// No release has brought so little yet: the steps that the steward would take, as many side by side.
async fn column(stack: &Stack, pool: &Database) -> f64 {
    let version = migrate::tenant_version();
    let column = [Migration {
        version: version + 1,
        name: "column",
        text: "alter table jobs add column owner_note text;",
    }];
    let homes = made(stack, pool, version).await.into_iter().map(|id| Home {
        schema: SchemaName::of(id.into()),
        version,
        tenant: Some(id.into()),
        people: 1,
    });
    let started = Instant::now();
    let steps = stream::iter(homes).map(async |home| migrate::bring(pool, &home, &column).await);
    let brought: Vec<_> = steps.buffer_unordered(4).collect().await;
    let took = started.elapsed().as_secs_f64();
    assert!(brought.iter().all(Result::is_ok), "{:?}", brought.iter().find(|it| it.is_err()));
    f64::from(BEHIND) / took
}

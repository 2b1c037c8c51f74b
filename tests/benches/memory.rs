//! The memory of a server process behind one pooled connection that serves a thousand workspaces in turn, several rounds: what
//! its caches of so many schemas come to. Goal: at most 50 MB.

use std::fs;

use local::stack::Stack;
use serde_json::json;
use shared::{
    db::{Scope, TenantTx},
    model::tenant::Route,
};
use tests::database;
use uuid::Uuid;

use crate::figure::report;

const PRESENT: u32 = 1000;
const ROUNDS: usize = 3;
/// What a dispatcher and a portal ask most, of several tables each.
const READS: [&str; 4] = [
    "select count(*) from runs",
    "select t.id, t.state, a.number, a.external_id from task_runs t left join attempts a on a.task_run_id = t.id limit 1",
    "select c.id, c.name, v.name, k.name from connections c join vaults v on v.id = c.vault_id left join credentials k on k.vault_id = v.id limit 1",
    "select s.id, j.id, w.definition from schedules s join jobs j on j.id = s.job_id join job_versions w on w.job_id = j.id limit 1",
];

pub(crate) async fn soak(stack: &Stack) {
    stack.order(json!({ "do": "refill", "spares": PRESENT })).await.expect("spares");
    let client = database::superuser(stack).await;
    let claim = "update system.tenants set state = 'active' where state = 'spare' returning id, schema_name";
    let rows = client.query(claim, &[]).await.expect("they are claimed");
    let routes: Vec<Route> = rows
        .iter()
        .map(|row| Route {
            tenant: row.get::<_, Uuid>(0).into(),
            schema: row.get::<_, String>(1).parse().expect("a schema"),
        })
        .collect();
    let pool = database::of(stack, "dispatcher", 1).await;
    let mut most = 0.0_f64;
    for _ in 0..ROUNDS {
        for route in &routes {
            let tx =
                TenantTx::begin(&pool, &Scope::Worker(route.clone()), "soak").await.expect("a connection");
            for read in READS {
                tx.rows(read, &[]).await.expect("rows");
            }
            tx.commit().await.expect("it ends");
        }
        most = most.max(largest(stack).await);
    }
    report("memory.largest_backend", most, "MB");
    report("memory.workspaces_in_the_soak", routes.len() as f64, "workspaces");
    let back = "update system.tenants set state = 'spare' where id = any ($1)";
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    client.execute(back, &[&ids]).await.expect("they are spares again");
}

/// What the largest server process of ours holds for itself: its resident memory without what it shares, in MB.
async fn largest(stack: &Stack) -> f64 {
    let ask = "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'";
    let pids = database::superuser(stack).await.query(ask, &[]).await.expect("the server processes");
    let private = |pid: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    pids.iter().filter_map(|row| private(row.get(0))).fold(0.0, f64::max) / 1024.0
}

//! What an idle stack asks of the database: statements of one scheduler tick, with few workspaces and with many. Goal: the same.

use std::time::Duration;

use local::stack::Stack;
use serde_json::json;
use tests::database;
use tokio_postgres::Client;

use crate::figure::report;

/// A session that fell idle publishes its counters within ten seconds (`PGSTAT_IDLE_INTERVAL`).
const PUBLISHED: Duration = Duration::from_secs(12);

pub(crate) async fn ticks_and_tenants(stack: &Stack) {
    let client = database::superuser(stack).await;
    let few = transactions_of_a_tick(stack, &client).await;
    report("idle.transactions_per_tick_few_workspaces", few, "transactions");
    stack.order(json!({ "do": "refill", "spares": 100 })).await.expect("spares");
    client
        .batch_execute("update system.tenants set state = 'active' where state = 'spare'")
        .await
        .expect("updated");
    let many = transactions_of_a_tick(stack, &client).await;
    report("idle.transactions_per_tick_many_workspaces", many, "transactions");
    stack.order(json!({ "do": "refill" })).await.expect("spares");
}

async fn transactions_of_a_tick(stack: &Stack, client: &Client) -> f64 {
    stack.cloud().tick_now("scheduler").await.expect("a tick");
    tokio::time::sleep(PUBLISHED).await;
    let before = count(client).await;
    let ticks = 5;
    for _ in 0..ticks {
        stack.cloud().tick_now("scheduler").await.expect("a tick");
    }
    tokio::time::sleep(PUBLISHED).await;
    ((count(client).await - before) as f64 / f64::from(ticks)).round()
}

/// Transactions of the scheduler's own login would need an extension; the whole database is idle but for it and this question.
async fn count(client: &Client) -> i64 {
    let sql = "select pg_stat_clear_snapshot(), xact_commit from pg_stat_database where datname = current_database()";
    client.query_one(sql, &[]).await.expect("a row").get("xact_commit")
}

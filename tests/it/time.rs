//! Time: schedules fire on their second and once, whoever ticks and however often, and clocks that change do not confuse them.
//!
//! Each test has a stack of its own, whose time it moves.

use std::time::Duration;

use jiff::Timestamp;
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{caller::Caller, database, tenant::Tenant, work};

mod fires;
mod ticks;
mod zones;

/// What time it is in the database.
async fn now(stack: &Stack) -> Timestamp {
    let client = database::superuser(stack).await;
    client.query_one("select system.now()", &[]).await.expect("a time").get(0)
}

/// Moves time to this instant, if it is yet to come.
async fn go_to(stack: &Stack, at: Timestamp) {
    let left = at.duration_since(now(stack).await);
    if let Ok(left) = Duration::try_from(left) {
        stack.advance(left).await.expect("time moves");
    }
}

/// A job of one task at once, on a connection of its own.
async fn job(tenant: &Tenant) -> Value {
    work::job(&tenant.administrator, &work::fresh("job"), &work::chain("platform", 1)).await
}

async fn schedule(tenant: &Tenant, job: &Value, cron: &str, zone: &str) -> Value {
    let body =
        json!({ "name": work::fresh("schedule"), "job_id": work::id(job), "cron": cron, "time_zone": zone });
    tenant.administrator.post("/schedules", &body).await.expect(201)
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no instant"))
}

/// The logical dates of a job's runs, oldest first.
async fn dates(by: &Caller, job: &Value) -> Vec<Timestamp> {
    let runs = work::all(by, &format!("/runs?job_id={}", work::id(job))).await;
    let mut dates: Vec<Timestamp> = runs.iter().map(|run| instant(&run["logical_date"])).collect();
    dates.sort();
    dates
}

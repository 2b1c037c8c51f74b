//! The dashboard: what moves, what waits and why, what failed, what comes. Cheap enough to be asked for every two seconds;
//! the `ETag` spares the answer when nothing changed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::model::role::Permission::RunsRead;
use shared::{
    error::DbError,
    model::{
        ids::{ConnectionId, JobId, RunId, ScheduleId},
        state::Failure,
    },
    store,
};
use utoipa::ToSchema;

use super::times::first_id_at;
use crate::{
    caller::Caller,
    fault::Answered,
    reply::Found,
    route::{Route, get},
};

/// How far back successes and failures are looked for.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What goes on in the workspace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Dashboard {
    counts: Counts,
    /// Connections with what is in flight on each, the busiest first; at most 100.
    in_flight: Vec<InFlight>,
    /// Tasks that wait for a slot or for their next try, the oldest first; at most 20.
    waiting: Vec<Waiting>,
    /// Runs of the last 24 hours that failed, newest first; at most 10.
    recent_failures: Vec<RecentFailure>,
    /// The newest runs; at most 10.
    recent_runs: Vec<RecentRun>,
    /// The next fires of schedules; at most 10.
    due_soon: Vec<DueSoon>,
}

/// Runs by state. Counting stops at 1,000.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = DashboardCounts)]
struct Counts {
    /// Active now.
    active: i64,
    /// Pending now.
    waiting: i64,
    /// Made in the last 24 hours and succeeded.
    succeeded_24h: i64,
    /// Made in the last 24 hours and failed or timed out.
    failed_24h: i64,
}

/// One connection's slots.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct InFlight {
    connection_id: ConnectionId,
    /// The connection's name.
    connection: String,
    /// Weight in use.
    in_use: i32,
    /// Weight there is.
    limit: i32,
    /// Tasks that wait for it. Counting stops at 1,000.
    waiting: i64,
}

/// A task that waits.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Waiting {
    run_id: RunId,
    job_id: JobId,
    /// The job's name.
    job: String,
    /// The task's name.
    task: String,
    /// Why it waits.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// A run that failed, with the first task that did.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct RecentFailure {
    run_id: RunId,
    job_id: JobId,
    /// The job's name.
    job: String,
    /// The task's name.
    task: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    error: Option<TaskError>,
}

/// An error of an attempt.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct TaskError {
    /// What kind of error: decides about retries.
    pub(super) class: Failure,
    /// The platform's own words.
    pub(super) message: Option<String>,
}

/// A run in short.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct RecentRun {
    id: RunId,
    job_id: JobId,
    job_name: String,
    job_version: i32,
    trigger: String,
    state: String,
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// The next fire of a schedule.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct DueSoon {
    schedule_id: ScheduleId,
    /// The schedule's name.
    schedule: String,
    job_id: JobId,
    /// The job's name.
    job: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

pub(super) fn routes() -> Vec<Route> {
    vec![get("/dashboard", "dashboard.get", "What goes on in the workspace", show).needs(RunsRead)]
}

async fn show(caller: Caller) -> Answered<Found<Dashboard>> {
    let since = first_id_at(caller.app.clock.now().checked_sub(DAY).unwrap_or(Timestamp::UNIX_EPOCH));
    let whole = store::dashboard::get(caller.read().await?.into_tx(), since).await?;
    let dashboard: Dashboard = serde_json::from_value(whole).map_err(|e| DbError::Defect(e.into()))?;
    Ok(Found::of(&dashboard))
}

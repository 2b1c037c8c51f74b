//! Runs, read for people: the list and one run with all its tasks and attempts.

use futures_util::future::try_join3;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    attempts::{self, AttemptRow},
    task_runs::{self, TaskRunRow},
};
use crate::{
    db::{FromRow, Row, TenantTx},
    error::DbError,
    model::ids::{JobId, RunId, ScheduleId, UserId},
    sql,
};

/// A run as a list shows it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of `runs`, and the job's name")]
pub struct RunRow {
    pub id: RunId,
    pub job_id: JobId,
    pub job_name: String,
    pub job_version: i32,
    pub trigger: String,
    pub schedule_id: Option<ScheduleId>,
    pub logical_date: Option<Timestamp>,
    pub data_interval_start: Option<Timestamp>,
    pub data_interval_end: Option<Timestamp>,
    pub run_after: Timestamp,
    pub state: String,
    pub reason: Option<String>,
    pub parameters: Value,
    pub cancel_requested_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub created_by: Option<UserId>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this job.
    pub job: Option<JobId>,
    /// In this state.
    pub state: Option<String>,
    /// With this trigger.
    pub trigger: Option<String>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// Older than this one: the cursor.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: i64,
}

/// A run with its tasks by position and their attempts by number.
#[derive(Clone, Debug)]
pub struct RunDetail {
    /// The run.
    pub run: RunRow,
    /// Its tasks.
    pub tasks: Vec<TaskRunRow>,
    /// The attempts of all of them.
    pub attempts: Vec<AttemptRow>,
}

/// Runs, newest first.
pub async fn list(tx: &TenantTx, filter: &RunFilter) -> Result<Vec<RunRow>, DbError> {
    let RunFilter { job, state, trigger, from, to, before, limit } = filter;
    tx.all(sql!("runs/list.sql"), &[job, state, trigger, from, to, before, limit]).await
}

row! {
    struct InFlight {
        id: RunId,
    }
}

/// Runs with something in flight that nobody has asked to stop, at most 200. And the commit.
pub async fn in_flight(tx: TenantTx) -> Result<Vec<RunId>, DbError> {
    let rows: Vec<InFlight> = super::last(tx, sql!("runs/in_flight.sql"), &[]).await?;
    Ok(rows.into_iter().map(|run| run.id).collect())
}

/// One run; absent is refused as absent.
pub async fn detail(tx: &TenantTx, id: RunId) -> Result<RunDetail, DbError> {
    let (run, tasks, attempts) =
        try_join3(tx.one(sql!("runs/get.sql"), &[&id]), task_runs::of_run(tx, id), attempts::of_run(tx, id))
            .await?;
    Ok(RunDetail { run, tasks, attempts })
}

impl FromRow for RunRow {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.try_get("id")?,
            job_id: row.try_get("job_id")?,
            job_name: row.try_get("job_name")?,
            job_version: row.try_get("job_version")?,
            trigger: row.try_get("trigger")?,
            schedule_id: row.try_get("schedule_id")?,
            logical_date: row.try_get("logical_date")?,
            data_interval_start: row.try_get("data_interval_start")?,
            data_interval_end: row.try_get("data_interval_end")?,
            run_after: row.try_get("run_after")?,
            state: row.try_get("state")?,
            reason: row.try_get("reason")?,
            parameters: row.try_get("parameters")?,
            cancel_requested_at: row.try_get("cancel_requested_at")?,
            created_at: row.try_get("created_at")?,
            created_by: row.try_get("created_by")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

//! A run as the API shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    model::ids::{JobId, RunId, ScheduleId, UserId},
    store::{
        jobs::Pinned,
        runs::{RunDetail, RunRow},
    },
};
use utoipa::ToSchema;

use super::task::TaskRun;

/// What a run is started by.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trigger {
    Manual,
    Schedule,
    Rerun,
    Backfill,
    Webhook,
}

impl Trigger {
    /// The text of the `trigger` column.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
            Self::Rerun => "rerun",
            Self::Backfill => "backfill",
            Self::Webhook => "webhook",
        }
    }
}

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunSummary {
    id: RunId,
    job_id: JobId,
    job_name: String,
    /// The version it is pinned to.
    job_version: i32,
    /// `manual`, `schedule`, …
    trigger: String,
    /// The schedule that made it.
    schedule_id: Option<ScheduleId>,
    /// The instant it stands for.
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    data_interval_start: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    data_interval_end: Option<Timestamp>,
    /// Not started before this.
    #[schema(value_type = String, format = DateTime)]
    run_after: Timestamp,
    state: String,
    reason: Option<String>,
    /// When somebody asked it to stop.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancel_requested_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who started it by hand.
    created_by: Option<UserId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// A run, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Run {
    #[serde(flatten)]
    summary: RunSummary,
    #[schema(value_type = Object)]
    parameters: Value,
    /// Its tasks, in the job's order.
    tasks: Vec<TaskRun>,
}

impl Run {
    /// A run with the edges of the version it is pinned to.
    pub(super) fn of(detail: RunDetail, pinned: &[Pinned]) -> Self {
        let parameters = detail.run.parameters.clone();
        let mut attempts = detail.attempts;
        let tasks = detail.tasks.into_iter().map(|task| {
            let (own, others) = attempts.drain(..).partition(|a| a.task_run_id == task.id);
            attempts = others;
            TaskRun::of(task, own, pinned)
        });
        let tasks = tasks.collect();
        Self { summary: detail.run.into(), parameters, tasks }
    }
}

impl From<RunRow> for RunSummary {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            job_id: row.job_id,
            job_name: row.job_name,
            job_version: row.job_version,
            trigger: row.trigger,
            schedule_id: row.schedule_id,
            logical_date: row.logical_date,
            data_interval_start: row.data_interval_start,
            data_interval_end: row.data_interval_end,
            run_after: row.run_after,
            state: row.state,
            reason: row.reason,
            cancel_requested_at: row.cancel_requested_at,
            created_at: row.created_at,
            created_by: row.created_by,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

//! A run, its tasks, attempts and events as the API shows them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    model::ids::{AttemptId, JobId, RunId, ScheduleId, TaskRunId, UserId},
    store::{
        attempts::AttemptRow,
        jobs::Pinned,
        runs::{RunDetail, RunRow},
        task_runs::TaskRunRow,
    },
};
use utoipa::ToSchema;

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

/// One task of a run.
#[derive(Debug, Serialize, ToSchema)]
struct TaskRun {
    id: TaskRunId,
    name: String,
    /// The connection's name.
    connection: String,
    /// Names of the tasks it comes after.
    #[schema(value_type = Vec<String>)]
    depends_on: Value,
    state: String,
    reason: Option<String>,
    /// The reason in a sentence, where there is more to say.
    message: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ready_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    attempts: Vec<Attempt>,
    #[schema(value_type = Option<Object>)]
    outputs: Option<Value>,
}

/// One try of a task.
#[derive(Debug, Serialize, ToSchema)]
struct Attempt {
    id: AttemptId,
    number: i32,
    state: String,
    reason: Option<String>,
    /// The platform's id of the run it owns.
    external_run_id: Option<String>,
    /// That run in the platform's own pages.
    external_url: Option<String>,
    /// The platform's own word for how it stands.
    platform_state: Option<String>,
    /// What is odd about it.
    warning: Option<String>,
    error: Option<AttemptError>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// Why a try failed.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptError {
    /// What kind of error: decides about retries.
    class: String,
    /// The platform's own words.
    message: Option<String>,
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

impl TaskRun {
    fn of(row: TaskRunRow, attempts: Vec<AttemptRow>, pinned: &[Pinned]) -> Self {
        let depends_on = pinned
            .iter()
            .find(|p| p.name == row.name)
            .map_or_else(|| Value::Array(Vec::new()), |p| p.depends_on.clone());
        Self {
            id: row.id,
            name: row.name,
            connection: row.connection_name,
            depends_on,
            state: row.state,
            reason: row.reason,
            message: row.message,
            ready_at: row.ready_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            attempts: attempts.into_iter().map(Attempt::from).collect(),
            outputs: row.outputs,
        }
    }
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        let message = row.error_message;
        Self {
            id: row.id,
            number: row.number,
            state: row.state,
            reason: row.reason,
            external_run_id: row.external_id,
            external_url: row.external_url,
            platform_state: row.platform_state,
            warning: row.warning,
            error: row.error_class.map(|class| AttemptError { class, message }),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
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

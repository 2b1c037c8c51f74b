//! A task of a run and its attempts as the API shows them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    model::ids::{AttemptId, TaskRunId},
    store::{attempts::AttemptRow, jobs::Pinned, task_runs::TaskRunRow},
};
use utoipa::ToSchema;

/// One task of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskRun {
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

impl TaskRun {
    /// A task with its attempts and the edges of the run's version.
    pub(super) fn of(row: TaskRunRow, attempts: Vec<AttemptRow>, pinned: &[Pinned]) -> Self {
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

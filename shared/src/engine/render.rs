//! From a waiting task to the call that starts it: its condition, its templates, what identifies the request. All before
//! anything is claimed, so that what cannot be rendered never becomes a call.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::known::Connection;
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        connection::{self, IdempotencyClass, Start},
        ids::{ConnectionId, RunId, TaskRunId},
        job::Task,
        problem::Problem,
        state::{Failure, Skip, TaskState},
    },
    template::{self, Context},
};

/// A waiting task with all that rendering it takes.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) task_run: TaskRunId,
    pub(crate) run: RunId,
    pub(crate) key: ConnectionId,
    pub(crate) attempts: i32,
    pub(crate) weight: i32,
    pub(crate) name: String,
    task: Value,
    run_values: Value,
    parameters: Value,
    upstream: Option<Value>,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) start: Start,
    pub(crate) class: IdempotencyClass,
    /// What later calls about the external run need, whatever becomes of the job.
    pub(crate) handle: Option<Value>,
    pub(crate) digest: Vec<u8>,
    /// Longest the start may take, in seconds.
    pub(crate) call_s: u32,
}

/// A task that ends before any call: how, and why in a sentence.
#[derive(Debug)]
pub(crate) struct Stillborn {
    pub(crate) to: TaskState,
    pub(crate) message: Option<String>,
}

/// Connecting and signing on, beside a statement's own time.
const POSTGRES_EXTRA_S: u32 = 5;

impl Candidate {
    /// Renders the start, or says how the task ends without one.
    pub(crate) fn render(&self, connection: &Connection) -> Result<Rendered, Stillborn> {
        let task: Task = serde_json::from_value(self.task.clone())
            .map_err(|_| fail("The stored task cannot be read by this release.".to_owned()))?;
        let Some(settings) = &connection.settings else {
            return Err(fail(format!(
                "The settings of connection {:?} cannot be read by this release.",
                connection.name
            )));
        };
        let context = Context {
            params: self.parameters.clone(),
            run: self.run_values.clone(),
            tasks: self.upstream.clone().unwrap_or_else(|| json!({})),
        };
        if let Some(condition) = &task.run_if {
            match template::condition(condition, &context) {
                Ok(true) => {}
                Ok(false) => {
                    return Err(Stillborn { to: TaskState::Skipped(Skip::ConditionFalse), message: None });
                }
                Err(problem) => return Err(fail(sentence("/run_if", &[problem]))),
            }
        }
        let rendered = template::render(settings.kind(), &task.start, &context)
            .map_err(|problems| fail(sentence("/start", &problems)))?;
        let start = Start::read(settings.kind(), &rendered)
            .map_err(|problems| fail(sentence("/start", &problems)))?;
        let call_s = match &start {
            Start::Postgres(start) => start.timeout_s + POSTGRES_EXTRA_S,
            _ => task.timeouts.start(),
        };
        let request = json!({ "to": settings.endpoint(), "start": rendered });
        Ok(Rendered {
            class: connection::idempotency(settings, &start),
            handle: handle(&start),
            digest: digest(&SHA256, request.to_string().as_bytes()).as_ref().to_vec(),
            start,
            call_s,
        })
    }
}

fn fail(message: String) -> Stillborn {
    Stillborn { to: TaskState::Failed(Some(Failure::Permanent)), message: Some(message) }
}

fn sentence(prefix: &str, problems: &[Problem]) -> String {
    let mut text = String::from("It could not be started:");
    for problem in problems.iter().take(5) {
        text.push_str(&format!(" {prefix}{}: {}.", problem.pointer, problem.message.trim_end_matches('.')));
    }
    text.chars().take(1900).collect()
}

/// What polls and stops of the external run need: the start without what only the start itself does. It reads back as one
/// ([`Start::read`]). `cancel` is null where the platform has no request that stops a run.
fn handle(start: &Start) -> Option<Value> {
    match start {
        Start::Postgres(_) => None,
        Start::Airflow(start) => Some(json!({ "dag_id": start.dag_id })),
        Start::Http(start) => Some(json!({ "path": "/", "poll": start.poll, "cancel": start.cancel })),
    }
}

impl FromRow for Candidate {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let instant =
            |column| row.try_get::<_, Option<Timestamp>>(column).map(|at| at.map(|at| at.to_string()));
        let run: RunId = row.try_get("run_id")?;
        Ok(Self {
            task_run: row.try_get("task_run_id")?,
            run,
            key: row.try_get("key")?,
            attempts: row.try_get("attempts")?,
            weight: row.try_get("weight")?,
            name: row.try_get("name")?,
            task: row.try_get("task")?,
            run_values: json!({
                "id": run,
                "job": row.try_get::<_, String>("job_name")?,
                "trigger": row.try_get::<_, String>("trigger")?,
                "logical_date": instant("logical_date")?,
                "data_interval_start": instant("data_interval_start")?,
                "data_interval_end": instant("data_interval_end")?,
                "run_after": instant("run_after")?,
            }),
            parameters: row.try_get("parameters")?,
            upstream: row.try_get("upstream")?,
        })
    }
}

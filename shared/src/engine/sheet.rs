//! A run under its lock: the run, its graph, and the state of each of its tasks. Decisions are made on the sheet and noted in
//! [`Changes`]; the sheet always shows what will have been written.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    batch::{Batch, bind},
    changes::Changes,
    moves::{Event, RunMove, TaskMove},
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        graph::{self, Decision, Graph},
        ids::{AttemptId, ConnectionId, Id, JobId, RunId, TaskRunId},
        job::{JobDefinition, Task},
        state::{Pending, RunState, Skip, TaskState, run_outcome},
    },
    queue::Kind,
    sql,
};

/// A job version, read and compiled once per invocation.
#[derive(Debug)]
pub struct Version {
    /// What it says.
    pub definition: JobDefinition,
    /// Its graph.
    pub graph: Graph,
}

/// Job versions known so far in one workspace, in one invocation.
pub(super) type Versions = HashMap<(JobId, i32), Arc<Version>>;

/// A run and its tasks, locked.
pub(crate) struct Sheet {
    pub(crate) id: RunId,
    pub(crate) state: RunState,
    pub(crate) cancel_requested: bool,
    /// Other runs of the job wait, of whatever version.
    pub(crate) others_wait: bool,
    pub(crate) version: Arc<Version>,
    pub(crate) tasks: Vec<TaskHead>,
}

/// A task as its run's graph sees it.
#[derive(Clone, Debug)]
pub(crate) struct TaskHead {
    pub(crate) id: TaskRunId,
    pub(crate) key: ConnectionId,
    pub(crate) state: TaskState,
    pub(crate) close_by: Option<Timestamp>,
    pub(crate) cancel_requested: bool,
}

/// What goes with a task's move.
#[derive(Clone, Debug, Default)]
pub(crate) struct With {
    pub(crate) attempt: Option<AttemptId>,
    pub(crate) ready_at: Option<Timestamp>,
    pub(crate) outputs: Option<Value>,
    pub(crate) message: Option<String>,
}

impl Version {
    /// Reads what a job version stores. None: it is none that this program can read, which a saved version never is.
    pub fn read(stored: Value) -> Option<Self> {
        let definition: JobDefinition = serde_json::from_value(stored).ok()?;
        let graph = Graph::of(&definition).ok()?;
        Some(Self { definition, graph })
    }
}

impl Sheet {
    /// The task with an id.
    pub(crate) fn index_of(&self, task: TaskRunId) -> Option<usize> {
        self.tasks.iter().position(|t| t.id == task)
    }

    /// What the job says of a task.
    pub(crate) fn task(&self, index: usize) -> &Task {
        &self.version.definition.tasks[index]
    }

    /// Moves a task. A move that the table does not list is a defect: it is logged and not made.
    pub(crate) fn move_task(&mut self, index: usize, to: TaskState, with: With, changes: &mut Changes) {
        let limits = self.limits(index, to, with.ready_at, changes.now);
        let task = &mut self.tasks[index];
        let from = task.state;
        if let Err(refused) = from.to(to) {
            tracing::error!(run = %self.id, task = %task.id, %refused, "a task was not moved");
            return;
        }
        if limits.0.is_some() || limits.1.is_some() {
            changes.watch_by([limits.0, limits.1].into_iter().flatten().min());
        }
        task.state = to;
        task.close_by = task.close_by.or(limits.1);
        let close_by = task.close_by;
        changes.events.push(Event {
            run: self.id,
            task_run: Some(task.id),
            attempt: with.attempt,
            from: Some(from.state()),
            to: to.state(),
            reason: to.reason(),
            detail: with.message.as_ref().map(|message| serde_json::json!({ "message": message })),
        });
        changes.move_task(TaskMove {
            id: task.id,
            from,
            to,
            ready_at: with.ready_at,
            start_by: limits.0,
            close_by,
            outputs: with.outputs,
            message: with.message,
        });
    }

    /// The limits of a task that becomes ready: the instants by which it must have started and have ended.
    fn limits(
        &self,
        index: usize,
        to: TaskState,
        ready_at: Option<Timestamp>,
        now: Timestamp,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        if !matches!(to, TaskState::Pending(Pending::WaitingSlot | Pending::UpForRetry)) {
            return (None, None);
        }
        let ready_at = ready_at.unwrap_or(now);
        let timeouts = self.task(index).timeouts;
        let after =
            |s: Option<u32>| s.and_then(|s| ready_at.checked_add(SignedDuration::from_secs(s.into())).ok());
        let close_by = self.tasks[index].close_by.or_else(|| after(timeouts.schedule_to_close_s));
        (after(timeouts.schedule_to_start_s), close_by)
    }

    /// Lets the graph decide, and the run end where all of it has. Returns the keys of what became ready.
    pub(crate) fn advance(&mut self, changes: &mut Changes) -> Vec<ConnectionId> {
        let states: Vec<_> = self.tasks.iter().map(|t| t.state).collect();
        let mut ready = Vec::new();
        for (index, decision) in graph::advance(&self.version.graph, &states) {
            let to = match decision {
                Decision::Ready => TaskState::Pending(Pending::WaitingSlot),
                Decision::Skip => TaskState::Skipped(Skip::TriggerRule),
                Decision::UpstreamFailed => TaskState::UpstreamFailed,
            };
            let ready_at = (decision == Decision::Ready).then_some(changes.now);
            self.move_task(index, to, With { ready_at, ..With::default() }, changes);
            if decision == Decision::Ready {
                ready.push(self.tasks[index].key);
            }
        }
        self.conclude(changes);
        ready
    }

    /// Ends the run once every task has ended; another run of the job may then go.
    pub(crate) fn conclude(&mut self, changes: &mut Changes) {
        let Some(outcome) = run_outcome(self.tasks.iter().map(|t| t.state.name())) else { return };
        self.move_run(outcome, None, changes);
        if self.others_wait {
            changes.owe(Kind::Run, self.id.uuid(), None);
        }
    }

    /// Moves the run.
    pub(crate) fn move_run(&mut self, to: RunState, reason: Option<&'static str>, changes: &mut Changes) {
        if self.state.to(to).is_err() {
            return;
        }
        changes.runs.push(RunMove { id: self.id, from: self.state, to, reason });
        changes.events.push(Event {
            run: self.id,
            task_run: None,
            attempt: None,
            from: Some(self.state.as_str()),
            to: to.as_str(),
            reason,
            detail: None,
        });
        self.state = to;
    }
}

/// Adds the three statements that lock runs and read their sheets.
pub(crate) fn add_reads(batch: &mut Batch<'_>, runs: &[RunId], known: &Versions) {
    let jobs: Vec<_> = known.keys().map(|(job, _)| *job).collect();
    let versions: Vec<_> = known.keys().map(|(_, version)| *version).collect();
    batch.add(sql!("runs/lock.sql"), bind![runs.to_vec()]);
    batch.add(sql!("task_runs/heads.sql"), bind![runs.to_vec()]);
    batch.add(sql!("job_versions/of_runs.sql"), bind![runs.to_vec(), jobs, versions]);
}

/// The sheets from the answers of those statements. A run whose version cannot be read is left out, and logged.
pub(crate) fn read(answers: &[Vec<Row>], known: &mut Versions) -> Result<Vec<Sheet>, DbError> {
    let [runs, tasks, versions] = answers else { return Ok(Vec::new()) };
    for row in versions {
        let key = (row.try_get("job_id")?, row.try_get("version")?);
        match Version::read(row.try_get("definition")?) {
            Some(version) => drop(known.insert(key, Arc::new(version))),
            None => tracing::error!(job = %key.0, version = key.1, "a job version cannot be read"),
        }
    }
    let mut of_run: HashMap<RunId, Vec<TaskHead>> = HashMap::new();
    for row in tasks {
        of_run.entry(row.try_get("run_id")?).or_default().push(TaskHead::from_row(row)?);
    }
    let mut sheets = Vec::new();
    for row in runs {
        let (id, job): (RunId, JobId) = (row.try_get("id")?, row.try_get("job_id")?);
        let Some(version) = known.get(&(job, row.try_get("job_version")?)) else { continue };
        let tasks = of_run.remove(&id).unwrap_or_default();
        let Ok(state) = row.try_get::<_, &str>("state")?.parse() else { continue };
        if tasks.len() != version.graph.len() {
            tracing::error!(run = %id, "a run's tasks are not those of its version");
            continue;
        }
        let cancel_requested = row.try_get::<_, Option<Timestamp>>("cancel_requested_at")?.is_some();
        let others_wait = row.try_get("others_wait")?;
        sheets.push(Sheet { id, state, cancel_requested, others_wait, version: Arc::clone(version), tasks });
    }
    Ok(sheets)
}

impl FromRow for TaskHead {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let state = TaskState::parse(row.try_get("state")?, row.try_get("reason")?);
        Ok(Self {
            id: row.try_get("id")?,
            key: row.try_get("connection_id")?,
            state: state.map_err(|unknown| DbError::Defect(Box::new(unknown)))?,
            close_by: row.try_get("close_by")?,
            cancel_requested: row.try_get::<_, Option<Timestamp>>("cancel_requested_at")?.is_some(),
        })
    }
}

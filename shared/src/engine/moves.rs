//! The rows that a transaction decides to write: an attempt, a task run or a run moves, an event tells of it.

use jiff::Timestamp;
use serde_json::Value;

use super::kept::clip;
use crate::model::{
    ids::{AttemptId, ConnectionId, OrphanId, RunId, TaskRunId},
    state::{Active, Failure, RunState, TaskState},
};

/// An attempt moves.
#[derive(Clone, Debug)]
pub(crate) struct AttemptMove {
    pub(crate) id: AttemptId,
    pub(crate) epoch: i32,
    pub(crate) from: Active,
    pub(crate) to: TaskState,
    pub(crate) next_epoch: i32,
    pub(crate) facts: Facts,
}

/// What is known of an attempt after a move; none leaves an id, a link, a state or a warning as it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) external_id: Option<String>,
    pub(crate) external_url: Option<String>,
    pub(crate) platform_state: Option<String>,
    pub(crate) warning: Option<String>,
    pub(crate) error_class: Option<&'static str>,
    pub(crate) error_message: Option<String>,
    /// Set anew by every move.
    pub(crate) lease_until: Option<Timestamp>,
    /// Set anew by every move.
    pub(crate) deadline_at: Option<Timestamp>,
}

impl Facts {
    /// An error's columns.
    pub(super) fn error(class: Option<Failure>, message: &str) -> Self {
        let error_class = class.and_then(|class| TaskState::Failed(Some(class)).reason());
        Self { error_class, error_message: Some(clip(message, 1900)), ..Self::default() }
    }
}

/// A task run moves.
#[derive(Clone, Debug)]
pub(crate) struct TaskMove {
    pub(crate) id: TaskRunId,
    pub(crate) from: TaskState,
    pub(crate) to: TaskState,
    pub(crate) ready_at: Option<Timestamp>,
    pub(crate) start_by: Option<Timestamp>,
    pub(crate) close_by: Option<Timestamp>,
    pub(crate) outputs: Option<Value>,
    pub(crate) message: Option<String>,
}

/// A run moves.
#[derive(Clone, Debug)]
pub(crate) struct RunMove {
    pub(crate) id: RunId,
    pub(crate) from: RunState,
    pub(crate) to: RunState,
    pub(crate) reason: Option<&'static str>,
}

/// An event to be written.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) run: RunId,
    pub(crate) task_run: Option<TaskRunId>,
    pub(crate) attempt: Option<AttemptId>,
    pub(crate) from: Option<&'static str>,
    pub(crate) to: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) detail: Option<Value>,
}

/// An external run that no attempt would take.
#[derive(Clone, Debug)]
pub(crate) struct Orphan {
    pub(crate) id: OrphanId,
    pub(crate) attempt: AttemptId,
    pub(crate) key: ConnectionId,
    pub(crate) external_id: String,
}

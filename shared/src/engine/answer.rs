//! What a caller brings back from a platform.

use serde_json::Value;

use crate::model::{
    ids::{AttemptId, ConnectionId, RunId, TaskRunId},
    state::Failure,
};

/// What a platform said, or did not say, about one attempt.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The attempt.
    pub attempt: AttemptId,
    /// The epoch the caller acts under. An answer of an older one moves nothing, unless it alone tells the external run's id.
    pub epoch: i32,
    /// Its task run.
    pub task_run: TaskRunId,
    /// Its run.
    pub run: RunId,
    /// Its key.
    pub key: ConnectionId,
    /// What was said.
    pub outcome: Outcome,
}

/// What became of a call.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "fields bear the names of the columns they are for")]
pub enum Outcome {
    /// It runs; ask again in a while.
    Started { external_id: String, external_url: Option<String>, warning: Option<String>, poll_after_s: i64 },
    /// It still runs.
    Running { platform_state: Option<String>, warning: Option<String> },
    /// It ended well.
    Succeeded {
        outputs: Option<Value>,
        external_id: Option<String>,
        platform_state: Option<String>,
        warning: Option<String>,
    },
    /// It ended badly, or was refused before it began.
    Failed { class: Failure, message: String, retry_after_s: Option<i64>, platform_state: Option<String> },
    /// The platform says it took too long.
    TimedOut { message: String, platform_state: Option<String> },
    /// The platform says it was stopped.
    Cancelled { message: Option<String>, platform_state: Option<String> },
    /// The platform does not know it.
    Missing,
    /// The call may have left; its answer was not seen.
    Unknown { message: String },
}

impl Outcome {
    /// The external run it tells of.
    pub(super) fn external_id(&self) -> Option<&str> {
        match self {
            Self::Started { external_id, .. } => Some(external_id),
            Self::Succeeded { external_id, .. } => external_id.as_deref(),
            _ => None,
        }
    }
}

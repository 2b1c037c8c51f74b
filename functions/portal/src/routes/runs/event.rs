//! A transition of a run as the API shows it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    model::ids::{AttemptId, EventId, TaskRunId},
    store::events::EventRow,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// One transition.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    id: EventId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The task's name; none for the run itself.
    task: Option<String>,
    task_run_id: Option<TaskRunId>,
    attempt_id: Option<AttemptId>,
    from_state: Option<String>,
    to_state: String,
    reason: Option<String>,
    actor: EventActor,
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

/// Who or what moved it.
#[derive(Debug, Serialize, ToSchema)]
struct EventActor {
    /// `user`, `schedule` or `system`.
    kind: String,
    id: Option<Uuid>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            task: row.task_name,
            task_run_id: row.task_run_id,
            attempt_id: row.attempt_id,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
            actor: EventActor { kind: row.actor_kind, id: row.actor_id },
            detail: row.detail,
        }
    }
}

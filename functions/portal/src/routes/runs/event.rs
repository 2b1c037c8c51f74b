//! A transition of a run as the API shows it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    model::ids::{AttemptId, EventId, Id, TaskRunId, UserId},
    store::{events::EventRow, members::Named},
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
    /// A person's name, while they are a member.
    name: Option<String>,
}

/// The people who moved something, each once.
pub(super) fn people(rows: &[EventRow]) -> Vec<UserId> {
    let people = rows.iter().filter(|e| e.actor_kind == "user").filter_map(|e| e.actor_id);
    people.collect::<BTreeSet<_>>().into_iter().map(UserId::from).collect()
}

impl Event {
    /// An event with the name of who made it.
    pub(super) fn of(row: EventRow, names: &[Named]) -> Self {
        let name = names.iter().find(|n| Some(n.id.uuid()) == row.actor_id).map(|n| n.name.clone());
        Self {
            id: row.id,
            at: row.at,
            task: row.task_name,
            task_run_id: row.task_run_id,
            attempt_id: row.attempt_id,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
            actor: EventActor { kind: row.actor_kind, id: row.actor_id, name },
            detail: row.detail,
        }
    }
}

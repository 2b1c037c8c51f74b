//! What is inside a workspace, as an operator with a grant is shown it.

use serde_json::{Value, json};
use shared::store::{
    attempts::AttemptRow,
    audit::Entry,
    connections::Connection,
    events::EventRow,
    jobs::Listed,
    runs::{RunDetail, RunRow},
    task_runs::TaskRunRow,
};

/// A run in a list.
pub(crate) fn run(row: &RunRow) -> Value {
    json!({
        "id": row.id,
        "job_id": row.job_id,
        "job_name": row.job_name,
        "job_version": row.job_version,
        "trigger": row.trigger,
        "schedule_id": row.schedule_id,
        "logical_date": row.logical_date,
        "run_after": row.run_after,
        "state": row.state,
        "reason": row.reason,
        "cancel_requested_at": row.cancel_requested_at,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    })
}

/// A run, whole.
pub(crate) fn whole_run(detail: &RunDetail, events: &[EventRow]) -> Value {
    let mut whole = run(&detail.run);
    whole["parameters"] = detail.run.parameters.clone();
    whole["tasks"] = detail.tasks.iter().map(|it| task(it, &detail.attempts)).collect();
    whole["events"] = events.iter().map(event).collect();
    whole
}

fn task(row: &TaskRunRow, attempts: &[AttemptRow]) -> Value {
    let own = attempts.iter().filter(|attempt| attempt.task_run_id == row.id);
    json!({
        "id": row.id,
        "name": row.name,
        "connection_id": row.connection_id,
        "connection_name": row.connection_name,
        "priority": row.priority,
        "weight": row.weight,
        "state": row.state,
        "reason": row.reason,
        "message": row.message,
        "outputs": row.outputs,
        "ready_at": row.ready_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "attempts": own.map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(row: &AttemptRow) -> Value {
    json!({
        "id": row.id,
        "number": row.number,
        "state": row.state,
        "reason": row.reason,
        "external_id": row.external_id,
        "external_url": row.external_url,
        "platform_state": row.platform_state,
        "warning": row.warning,
        "error_class": row.error_class,
        "error_message": row.error_message,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    })
}

fn event(row: &EventRow) -> Value {
    json!({
        "id": row.id,
        "at": row.at,
        "task": row.task_name,
        "attempt_id": row.attempt_id,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "reason": row.reason,
        "actor": { "kind": row.actor_kind, "id": row.actor_id },
        "detail": row.detail,
    })
}

/// A job in a list, with its latest run.
pub(crate) fn job(row: &Listed) -> Value {
    let latest = row.run_id.map(|id| {
        json!({
            "id": id,
            "state": row.run_state,
            "reason": row.run_reason,
            "created_at": row.run_created_at,
            "started_at": row.run_started_at,
            "finished_at": row.run_finished_at,
        })
    });
    json!({
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "latest_run": latest,
    })
}

/// A connection: its settings, and the name of its credential.
pub(crate) fn connection(row: &Connection) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "settings": row.settings,
        "credential": row.vault.as_ref().map(|vault| json!({ "vault": vault, "name": row.credential_name })),
        "limit": row.limit,
        "state": row.state,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    })
}

/// An entry of the workspace's audit log.
pub(crate) fn entry(row: &Entry) -> Value {
    json!({
        "id": row.id,
        "at": row.at,
        "actor": { "kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name },
        "action": row.action,
        "target": { "kind": row.target_kind, "id": row.target_id },
        "before_digest": row.before_digest,
        "after_digest": row.after_digest,
        "request_id": row.request_id,
        "source_address": row.source_address,
        "detail": row.detail,
    })
}

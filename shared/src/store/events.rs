//! The log of every transition of work.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    db::{FromRow, Row, TenantTx},
    error::DbError,
    model::ids::{AttemptId, EventId, RunId, TaskRunId},
    sql,
};

/// One transition.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of `events`, and the task's name")]
pub struct EventRow {
    pub id: EventId,
    pub run_id: RunId,
    pub task_run_id: Option<TaskRunId>,
    pub task_name: Option<String>,
    pub attempt_id: Option<AttemptId>,
    pub from_state: Option<String>,
    pub to_state: String,
    pub reason: Option<String>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub at: Timestamp,
    pub detail: Option<Value>,
}

/// The events of a run in their order, after the one given.
pub async fn of_run(
    tx: &TenantTx,
    run: RunId,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    tx.all(sql!("events/of_run.sql"), &[&run, &after, &limit]).await
}

impl FromRow for EventRow {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.try_get("id")?,
            run_id: row.try_get("run_id")?,
            task_run_id: row.try_get("task_run_id")?,
            task_name: row.try_get("task_name")?,
            attempt_id: row.try_get("attempt_id")?,
            from_state: row.try_get("from_state")?,
            to_state: row.try_get("to_state")?,
            reason: row.try_get("reason")?,
            actor_kind: row.try_get("actor_kind")?,
            actor_id: row.try_get("actor_id")?,
            at: row.try_get("at")?,
            detail: row.try_get("detail")?,
        })
    }
}

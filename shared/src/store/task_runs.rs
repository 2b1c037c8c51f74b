//! Task runs: one task inside one run.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    db::{FromRow, Row, TenantTx},
    error::DbError,
    model::ids::{ConnectionId, RunId, TaskRunId},
    sql,
};

/// A task run as a person sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of `task_runs`, and the connection's name")]
pub struct TaskRunRow {
    pub id: TaskRunId,
    pub position: i32,
    pub name: String,
    pub connection_id: ConnectionId,
    pub connection_name: String,
    pub priority: i32,
    pub weight: i32,
    pub state: String,
    pub reason: Option<String>,
    pub attempts: i32,
    pub ready_at: Option<Timestamp>,
    pub cancel_requested_at: Option<Timestamp>,
    pub message: Option<String>,
    pub outputs: Option<Value>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// The tasks of a run, by position.
pub async fn of_run(tx: &TenantTx, run: RunId) -> Result<Vec<TaskRunRow>, DbError> {
    tx.all(sql!("task_runs/of_run.sql"), &[&run]).await
}

impl FromRow for TaskRunRow {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.try_get("id")?,
            position: row.try_get("position")?,
            name: row.try_get("name")?,
            connection_id: row.try_get("connection_id")?,
            connection_name: row.try_get("connection_name")?,
            priority: row.try_get("priority")?,
            weight: row.try_get("weight")?,
            state: row.try_get("state")?,
            reason: row.try_get("reason")?,
            attempts: row.try_get("attempts")?,
            ready_at: row.try_get("ready_at")?,
            cancel_requested_at: row.try_get("cancel_requested_at")?,
            message: row.try_get("message")?,
            outputs: row.try_get("outputs")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

//! Attempts: the tries of task runs.

use jiff::Timestamp;

use crate::{
    db::{FromRow, Row, TenantTx},
    error::DbError,
    model::ids::{AttemptId, RunId, TaskRunId},
    sql,
};

/// An attempt as a person sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of `attempts`")]
pub struct AttemptRow {
    pub id: AttemptId,
    pub task_run_id: TaskRunId,
    pub number: i32,
    pub state: String,
    pub reason: Option<String>,
    pub external_id: Option<String>,
    pub external_url: Option<String>,
    pub platform_state: Option<String>,
    pub warning: Option<String>,
    pub error_class: Option<String>,
    pub error_message: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// The attempts of a run, by task and number.
pub async fn of_run(tx: &TenantTx, run: RunId) -> Result<Vec<AttemptRow>, DbError> {
    tx.all(sql!("attempts/of_run.sql"), &[&run]).await
}

/// Whether a call that starts something may be under way, and the commit.
pub async fn is_any_dispatching(tx: TenantTx) -> Result<bool, DbError> {
    let rows = tx.last(sql!("attempts/is_any_dispatching.sql"), &[]).await?;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get("yes")?))
}

/// External runs of which it is not known that they have ended: how many, and the ids of the first hundred as far as they are
/// known. And the commit.
pub async fn unsettled(tx: TenantTx) -> Result<(i64, Vec<String>), DbError> {
    let rows = tx.last(sql!("attempts/unsettled.sql"), &[]).await?;
    let found = rows.first().map_or(Ok(0), |row| row.try_get("found"))?;
    let ids: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("external_id")).collect();
    Ok((found, ids?.into_iter().filter(|id| !id.is_empty()).collect()))
}

impl FromRow for AttemptRow {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.try_get("id")?,
            task_run_id: row.try_get("task_run_id")?,
            number: row.try_get("number")?,
            state: row.try_get("state")?,
            reason: row.try_get("reason")?,
            external_id: row.try_get("external_id")?,
            external_url: row.try_get("external_url")?,
            platform_state: row.try_get("platform_state")?,
            warning: row.try_get("warning")?,
            error_class: row.try_get("error_class")?,
            error_message: row.try_get("error_message")?,
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

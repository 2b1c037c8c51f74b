//! An attempt as the rules see it, read under its run's lock.

use jiff::Timestamp;

use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        ids::{AttemptId, ConnectionId},
        state::TaskState,
    },
};

/// An attempt as settling sees it.
#[derive(Clone, Debug)]
pub(super) struct AttemptHead {
    pub(super) id: AttemptId,
    pub(super) epoch: i32,
    pub(super) state: TaskState,
    pub(super) key: ConnectionId,
    pub(super) weight: i32,
    pub(super) number: i32,
    pub(super) external_id: Option<String>,
    pub(super) is_token: bool,
    pub(super) lease_until: Option<Timestamp>,
    pub(super) deadline_at: Option<Timestamp>,
    /// The platform has a request that stops it.
    pub(super) can_stop: bool,
    pub(super) started_at: Option<Timestamp>,
    /// Earlier tries that used up no attempt.
    pub(super) free_tries: i64,
    pub(super) was_refused: bool,
}

impl FromRow for AttemptHead {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let state = TaskState::parse(row.try_get("state")?, row.try_get("reason")?);
        Ok(Self {
            id: row.try_get("id")?,
            epoch: row.try_get("epoch")?,
            state: state.map_err(|unknown| DbError::Defect(Box::new(unknown)))?,
            key: row.try_get("connection_id")?,
            weight: row.try_get("weight")?,
            number: row.try_get("number")?,
            external_id: row.try_get("external_id")?,
            is_token: row.try_get::<_, &str>("idempotency")? == "token",
            lease_until: row.try_get("lease_until")?,
            deadline_at: row.try_get("deadline_at")?,
            can_stop: row.try_get("can_stop")?,
            started_at: row.try_get("started_at")?,
            free_tries: row.try_get("free_tries")?,
            was_refused: row.try_get("was_refused")?,
        })
    }
}

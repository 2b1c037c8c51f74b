//! What a workspace has used, day by day.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{db::TenantTx, error::DbError, sql};

row! {
    /// What was used on one day (UTC).
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = DayOfUsage)]
    pub struct Used {
        /// The day, `2026-11-22`.
        day: String,
        /// Calls of the API that were let through.
        api_calls: i64,
        /// Calls of the API that were refused, because there were too many.
        api_limited: i64,
        /// Runs made.
        runs: i64,
        /// Tasks of those runs.
        task_runs: i64,
        /// The most that was stored, as measured, in bytes.
        stored_bytes: i64,
    }
}

/// The last days with anything to tell, newest first.
pub async fn by_day(tx: &TenantTx, days: i32) -> Result<Vec<Used>, DbError> {
    tx.all(sql!("usage/by_day.sql"), &[&days]).await
}

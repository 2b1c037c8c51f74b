//! What a workspace is like: measured by the steward in the background, read by its Administrators.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    db::{SystemTx, TenantTx, tables::TABLES},
    error::DbError,
    model::ids::TenantId,
    sql,
};

row! {
    /// What a workspace was like when it was measured last on a day (UTC).
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = DayOfMetrics)]
    pub struct Measured {
        /// The day, `2026-11-22`.
        day: String,
        /// When it was measured.
        #[schema(value_type = String, format = DateTime)]
        measured_at: Timestamp,
        /// Rows, as the database's statistics have them.
        rows: i64,
        /// Bytes of tables and indexes.
        bytes: i64,
        /// Bytes more than on the day measured before.
        growth_bytes: i64,
        /// Runs made on the day.
        runs: i64,
        /// Tasks of those runs.
        task_runs: i64,
        /// Runs of the last 24 hours that failed.
        failed_runs: i64,
        /// Half of the last 24 hours' tasks waited no longer than this from ready to started, in milliseconds.
        dwell_p50_ms: Option<i64>,
        /// 99 of 100 waited no longer.
        dwell_p99_ms: Option<i64>,
        /// Calls of the API that were let through.
        api_calls: i64,
        /// Calls of the API that were refused, because there were too many.
        api_limited: i64,
    }
}

row! {
    /// One measurement, as it is written to the log.
    #[derive(Clone, Debug)]
    pub struct Measurement {
        /// Where the workspace is: `pooled`, `schema` or `dedicated`.
        placement: String,
        /// When.
        at: Timestamp,
        /// See [`Measured`].
        rows: i64,
        /// See [`Measured`].
        bytes: i64,
        /// See [`Measured`].
        growth_bytes: i64,
        /// See [`Measured`].
        runs: i64,
        /// See [`Measured`].
        task_runs: i64,
        /// See [`Measured`].
        failed_runs: i64,
        /// See [`Measured`].
        dwell_p50_ms: Option<i64>,
        /// See [`Measured`].
        dwell_p99_ms: Option<i64>,
        /// See [`Measured`].
        api_calls: i64,
        /// See [`Measured`].
        api_limited: i64,
    }
}

row! {
    struct Next {
        id: TenantId,
    }
}

/// The last days that were measured, newest first.
pub async fn by_day(tx: &TenantTx, days: i32) -> Result<Vec<Measured>, DbError> {
    tx.all(sql!("metrics/by_day.sql"), &[&days]).await
}

/// The workspaces to be measured next, at most `limit`; the round goes on behind them.
pub async fn next(tx: &SystemTx, limit: i32) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<Next> = tx.all(sql!("system/next_to_measure.sql"), &[&limit]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Measures one workspace and keeps what was found; none where there is no such workspace, or no more.
pub async fn measure(tx: &SystemTx, tenant: TenantId) -> Result<Option<Measurement>, DbError> {
    // Named, because to list a schema's tables reads the whole catalog.
    let tables: Vec<&str> = TABLES.iter().map(|table| table.name).chain(["schema_migrations"]).collect();
    Ok(tx.all(sql!("system/measure.sql"), &[&tenant, &tables]).await?.into_iter().next())
}

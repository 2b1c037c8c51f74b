//! Rollouts of schema versions, as the steward works them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    db::{Row, SystemTx},
    error::DbError,
    model::{ids::TenantId, rollout::Wave},
    sql,
};

row! {
    /// A workspace that a migration has yet to reach.
    #[derive(Clone, Copy, Debug)]
    pub struct Behind {
        /// The workspace.
        id: TenantId,
        /// The version it has.
        schema_version: i32,
    }
}

row! {
    /// How a rollout goes.
    #[derive(Clone, Debug, Serialize)]
    pub struct Rollout {
        /// The version it brings.
        version: i32,
        /// `running`, `stopped` or `done`.
        state: String,
        /// The widest wave that may be worked.
        until: String,
        /// Workspaces it has brought there.
        migrated: i32,
        /// Workspaces yet to come.
        behind: i64,
        /// Which workspaces failed, and how; twenty at most.
        failures: Value,
        /// When it began.
        started_at: Timestamp,
        /// When it last did something.
        updated_at: Timestamp,
    }
}

/// Begins a rollout or goes on with it; one that was stopped goes on only where `resume` says so. Whether it runs now.
pub async fn open(tx: &SystemTx, version: i32, until: Wave, resume: bool) -> Result<bool, DbError> {
    if resume {
        tx.execute(sql!("rollouts/forget_failures.sql"), &[&version]).await?;
    }
    let rows = tx.rows(sql!("rollouts/open.sql"), &[&version, &until.as_str(), &resume]).await?;
    let state: String = rows.first().map_or_else(|| Ok(String::new()), |row| row.try_get("state"))?;
    Ok(state != "stopped")
}

/// Up to which wave a rollout that runs may be worked; none where none runs.
pub async fn running(tx: SystemTx, version: i32) -> Result<Option<Wave>, DbError> {
    let rows = tx.last(sql!("rollouts/running.sql"), &[&version]).await?;
    let until = |row: &Row| row.try_get::<_, String>("until");
    Ok(rows.first().map(until).transpose()?.and_then(|until| until.parse().ok()))
}

/// Workspaces older than a version, by id after `after`: spares, or those with people. And the commit.
pub async fn behind(
    tx: SystemTx,
    version: i32,
    spares: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Behind>, DbError> {
    let rows = tx.last(sql!("rollouts/behind.sql"), &[&version, &spares, &after, &limit]).await?;
    rows.iter().map(crate::db::FromRow::from_row).collect()
}

/// How many workspaces with people have a version, counted up to a limit.
pub async fn ahead(tx: &SystemTx, version: i32, limit: i64) -> Result<i64, DbError> {
    let rows = tx.rows(sql!("rollouts/ahead.sql"), &[&version, &limit]).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get("tenants")?))
}

/// Counts workspaces that were brought there, and the commit.
pub async fn count(tx: SystemTx, version: i32, migrated: i32) -> Result<(), DbError> {
    tx.last(sql!("rollouts/count.sql"), &[&version, &migrated]).await.map(drop)
}

/// Stops a rollout at a workspace whose migration failed, and the commit.
pub async fn fail(tx: SystemTx, version: i32, tenant: TenantId, error: &str) -> Result<(), DbError> {
    let error: String = error.chars().take(500).collect();
    tx.last(sql!("rollouts/fail.sql"), &[&version, &tenant, &error]).await.map(drop)
}

/// Ends a rollout that has reached every workspace; says how it goes. And the commit.
pub async fn finish(tx: SystemTx, version: i32) -> Result<Option<Rollout>, DbError> {
    tx.execute(sql!("rollouts/finish.sql"), &[&version]).await?;
    let rows = tx.last(sql!("rollouts/status.sql"), &[&version]).await?;
    rows.first().map(crate::db::FromRow::from_row).transpose()
}

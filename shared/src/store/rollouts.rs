//! Rollouts of schema versions, as the steward works them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    db::{FromRow, Param, Row, SystemTx},
    error::DbError,
    model::rollout::{Home, Wave},
    sql,
};

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
        /// What stopped it, where something did.
        cause: Option<String>,
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

/// What is older than a version, in the order in which it should come, `most` at most; and the commit.
pub async fn behind(tx: SystemTx, version: i32, most: i64) -> Result<Vec<Home>, DbError> {
    tx.last(sql!("rollouts/behind.sql"), &[&version, &most]).await?.iter().map(Home::from_row).collect()
}

impl FromRow for Home {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let schema: String = row.try_get("schema_name")?;
        Ok(Self {
            schema: schema.parse().map_err(|error| DbError::Defect(Box::new(error)))?,
            version: row.try_get("schema_version")?,
            tenant: row.try_get("tenant_id")?,
            people: row.try_get("people")?,
        })
    }
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

/// Stops a rollout at a schema whose migration failed, and the commit.
pub async fn fail(tx: SystemTx, version: i32, home: &Home, error: &str) -> Result<(), DbError> {
    let error: String = error.chars().take(500).collect();
    let params: [&dyn Param; 4] = [&version, &home.tenant, &home.schema.as_str(), &error];
    tx.last(sql!("rollouts/fail.sql"), &params).await.map(drop)
}

/// Ends a rollout that has reached every workspace; says how it goes. And the commit.
pub async fn finish(tx: SystemTx, version: i32) -> Result<Option<Rollout>, DbError> {
    tx.execute(sql!("rollouts/finish.sql"), &[&version]).await?;
    let rows = tx.last(sql!("rollouts/status.sql"), &[&version]).await?;
    rows.first().map(crate::db::FromRow::from_row).transpose()
}

//! Which workspaces owe which backfill, and how it goes: as the steward works them.

use serde::Serialize;
use serde_json::Value;

use crate::{
    db::{FromRow, Param, Row, SystemTx, backfill::Backfill},
    error::DbError,
    model::tenant::Route,
    sql,
};

/// A workspace's turn.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The workspace, and where it is.
    pub route: Route,
    /// The version whose backfill it owes.
    pub version: i32,
}

impl FromRow for Turn {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let schema: String = row.try_get("schema_name")?;
        let schema = schema.parse().map_err(|error| DbError::Defect(Box::new(error)))?;
        let route = Route { tenant: row.try_get("tenant_id")?, schema };
        Ok(Self { route, version: row.try_get("version")? })
    }
}

row! {
    /// How a backfill goes.
    #[derive(Clone, Debug, Serialize)]
    pub struct Progress {
        /// The migration's number.
        version: i32,
        /// Its name.
        name: String,
        /// `running`; `stopped`, where too many failed; `failed`, where only those are left that did; `done`.
        state: String,
        /// Workspaces that owe it.
        open: i64,
        /// Workspaces that owed it.
        done: i64,
        /// Workspaces in which it failed.
        failed: i64,
        /// Rows it has changed.
        changed: i64,
        /// Where it failed, and how; twenty at most.
        failures: Value,
    }
}

/// Tells the database what this release owes; whoever is migrated from now on owes it.
pub async fn register(tx: &SystemTx, backfills: &[Backfill]) -> Result<(), DbError> {
    let (versions, names): (Vec<i32>, Vec<String>) =
        backfills.iter().map(|backfill| (backfill.version, backfill.name.to_owned())).unzip();
    tx.execute(sql!("backfills/register.sql"), &[&versions, &names]).await.map(drop)
}

/// Who is next for one of these versions; and the commit.
pub async fn due(tx: SystemTx, versions: &[i32], most: i64) -> Result<Vec<Turn>, DbError> {
    tx.last(sql!("backfills/due.sql"), &[&versions, &most]).await?.iter().map(Turn::from_row).collect()
}

/// Lets a workspace come again after these seconds, behind whoever waits by then; and the commit.
pub async fn put_off(tx: SystemTx, turn: &Turn, seconds: f64) -> Result<(), DbError> {
    let params: [&dyn Param; 3] = [&turn.route.tenant, &turn.version, &seconds];
    tx.last(sql!("backfills/put_off.sql"), &params).await.map(drop)
}

/// A backfill failed in a workspace; it stops everywhere once it has failed in `most`. And the commit.
pub async fn fail(tx: SystemTx, turn: &Turn, error: &str, most: i64) -> Result<(), DbError> {
    let error: String = error.chars().take(500).collect();
    let params: [&dyn Param; 4] = [&turn.route.tenant, &turn.version, &error, &most];
    tx.last(sql!("backfills/fail.sql"), &params).await.map(drop)
}

/// Whoever failed owes it again from where it was, and what was stopped goes on.
pub async fn resume(tx: &SystemTx) -> Result<(), DbError> {
    tx.execute(sql!("backfills/resume.sql"), &[]).await.map(drop)
}

/// How they go, the newest first; and the commit.
pub async fn status(tx: SystemTx) -> Result<Vec<Progress>, DbError> {
    tx.last(sql!("backfills/status.sql"), &[]).await?.iter().map(Progress::from_row).collect()
}

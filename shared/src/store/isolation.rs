//! Evidence of isolation: the canaries' attempts, as the steward makes them, and what a workspace is told of them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    db::{FromRow, Row, SystemTx, TenantTx},
    error::DbError,
    model::{
        ids::TenantId,
        tenant::{Placement, Route, SchemaName},
    },
    sql,
};

/// The tables whose rows are a workspace's. A test compares them with the schema.
pub const TABLES: &[&str] = &[
    "attempts",
    "audit",
    "concurrency_profiles",
    "connection_tests",
    "connections",
    "credentials",
    "events",
    "idempotency_keys",
    "job_tasks",
    "job_versions",
    "jobs",
    "orphans",
    "runs",
    "schedules",
    "seals",
    "slots",
    "task_runs",
    "vaults",
];

row! {
    /// What the last attempts to reach this workspace from others came to.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Evidence {
        /// When they were made.
        #[schema(value_type = String, format = DateTime)]
        checked_at: Timestamp,
        /// How many.
        attempts: i32,
        /// How many reached something: none, or something is badly wrong.
        violations: i32,
        /// Each kind of attempt: `name`, `attempts`, and what was `crossed`.
        checks: Value,
    }
}

row! {
    /// What one kind of attempt came to.
    #[derive(Clone, Debug, Serialize)]
    pub struct Attempts {
        /// How many were made.
        attempts: i32,
        /// What was reached.
        crossed: Vec<String>,
    }
}

/// A workspace that tries to reach the others.
#[derive(Clone, Debug)]
pub struct Canary {
    /// The workspace.
    pub route: Route,
    /// Where it is.
    pub placement: Placement,
}

impl Canary {
    /// Whether it tries a workspace: those with a schema of their own try everybody, those in a pool their neighbours.
    #[must_use]
    pub fn tries(&self, other: &Route) -> bool {
        let is_near = self.placement != Placement::Pooled || self.route.schema == other.schema;
        is_near && self.route.tenant != other.tenant
    }
}

impl FromRow for Canary {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let placement: String = row.try_get("placement")?;
        let placement =
            placement.parse().map_err(|()| DbError::Defect("a route's placement cannot be read".into()))?;
        Ok(Self { route: Placed::from_row(row)?.0, placement })
    }
}

/// A workspace that is looked at.
struct Placed(Route);

impl FromRow for Placed {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let (tenant, schema): (TenantId, String) = (row.try_get("tenant_id")?, row.try_get("schema_name")?);
        let schema = schema.parse().map_err(|_| DbError::Defect("a route's schema cannot be read".into()))?;
        Ok(Self(Route { tenant, schema }))
    }
}

/// The canaries.
pub async fn canaries(tx: &SystemTx) -> Result<Vec<Canary>, DbError> {
    tx.all(sql!("isolation/canaries.sql"), &[]).await
}

/// Makes a canary in a pool that has none, full or not; whether there was such a pool.
pub async fn make_pool_canary(tx: &SystemTx, canary: TenantId, salt: &[u8]) -> Result<bool, DbError> {
    let rows = tx.rows(sql!("isolation/pool_without_canary.sql"), &[]).await?;
    let Some(pool) = rows.first() else { return Ok(false) };
    let pool: String = pool.try_get("schema_name")?;
    tx.execute(sql!("isolation/insert_pool_canary.sql"), &[&canary, &pool]).await?;
    tx.execute(sql!("system/insert_key.sql"), &[&canary, &salt]).await?;
    Ok(true)
}

/// Makes a canary of a spare workspace with a schema of its own; whether one was left.
pub async fn make_canary(tx: &SystemTx) -> Result<bool, DbError> {
    Ok(tx.execute(sql!("isolation/make_canary.sql"), &[]).await? == 1)
}

/// The workspaces whose turn it is.
pub async fn next_tenants(tx: &SystemTx, limit: i64) -> Result<Vec<Route>, DbError> {
    let rows = tx.all::<Placed>(sql!("isolation/next_tenants.sql"), &[&limit]).await?;
    Ok(rows.into_iter().map(|p| p.0).collect())
}

/// Remembers the last workspace that was looked at; the nil id begins anew.
pub async fn go_on(tx: &SystemTx, after: TenantId) -> Result<(), DbError> {
    tx.execute(sql!("isolation/go_on.sql"), &[&after]).await.map(drop)
}

/// Tries, from inside a canary's scope, to reach a workspace. And the commit, which keeps nothing.
pub async fn try_to_cross(tx: TenantTx, to: &Route) -> Result<Attempts, DbError> {
    super::last_one(tx, sql!("isolation/try_to_cross.sql"), &[&to.schema.as_str(), &to.tenant, &tables()])
        .await
}

/// Which other workspaces' roles may enter a schema.
pub async fn grants_of_others(tx: &SystemTx, schema: &SchemaName) -> Result<Attempts, DbError> {
    tx.one(sql!("isolation/grants_of_others.sql"), &[&schema.as_str()]).await
}

/// Which tables of a schema do not force row-level security.
pub async fn unfenced_tables(tx: &SystemTx, schema: &SchemaName) -> Result<Attempts, DbError> {
    tx.one(sql!("isolation/unfenced_tables.sql"), &[&schema.as_str(), &tables()]).await
}

/// Records what was tried on a workspace; nothing where it is on its way out meanwhile.
pub async fn record(
    tx: &SystemTx,
    of: TenantId,
    attempts: i32,
    violations: i32,
    checks: &Value,
) -> Result<(), DbError> {
    tx.execute(sql!("isolation/record.sql"), &[&of, &attempts, &violations, checks]).await.map(drop)
}

/// The workspace's own evidence, and the commit; absent until its first turn.
pub async fn of_workspace(tx: TenantTx) -> Result<Evidence, DbError> {
    super::last_one(tx, sql!("workspace/isolation.sql"), &[]).await
}

fn tables() -> Vec<&'static str> {
    TABLES.to_vec()
}

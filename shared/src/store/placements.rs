//! Where a workspace is, and the statements of a move, as the steward makes them. All of them are the owner's; the functions
//! behind them reach one workspace's rows at a time.

use jiff::Timestamp;

use crate::{
    db::{FromRow, Param, Row, SystemTx, placement},
    error::{BoxError, DbError},
    model::{
        ids::{AuditId, OperationId, TenantId},
        tenant::{DatabaseName, Placement, SchemaName},
    },
    sql,
};

/// A workspace's place, as its routing row has it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its schema, which is also its role.
    pub schema: SchemaName,
    /// Whether it shares that.
    pub placement: Placement,
    /// The cell that holds the role.
    pub cell: String,
    /// Its schema's version.
    pub version: i32,
    /// The workspace's state.
    pub state: String,
}

/// A pool to move into.
pub struct Pool {
    /// The cell that holds its role.
    pub cell: String,
    /// Its schema's version.
    pub version: i32,
}

/// What a table holds of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many rows.
    pub rows: i64,
    /// A digest of what they say.
    pub digest: String,
}

/// A move to ask for.
pub struct Ask<'a> {
    /// Which workspace.
    pub tenant: TenantId,
    /// The operation's id.
    pub id: OperationId,
    /// The id of its row in the workspace's audit log.
    pub audit: AuditId,
    /// Where to.
    pub to: Placement,
    /// Whether that is in another database.
    pub is_far: bool,
    /// Which; none is the first.
    pub database: Option<&'a DatabaseName>,
}

/// Asks for a move, with its row in the workspace's audit log.
pub async fn ask_move(tx: &SystemTx, ask: &Ask<'_>) -> Result<(), DbError> {
    let database = ask.database.map(ToString::to_string);
    let params: [&dyn Param; 6] =
        [&ask.tenant, &ask.id, &ask.to.as_str(), &ask.audit, &ask.is_far, &database];
    tx.rows(sql!("system/move_ask.sql"), &params).await.map(drop)
}

/// Where a workspace is.
pub async fn place(tx: &SystemTx, tenant: TenantId) -> Result<Place, DbError> {
    tx.one(sql!("system/place.sql"), &[&tenant]).await
}

/// The tables of a schema, each after those it refers to.
pub async fn tables(tx: &SystemTx, schema: &SchemaName) -> Result<Vec<String>, DbError> {
    let rows = tx.rows(sql!("system/tables_of.sql"), &[&schema.as_str()]).await?;
    rows.first().map_or(Ok(Vec::new()), |row| Ok(row.try_get("tables")?))
}

row! {
    /// A workspace in which nothing is claimed from now on.
    #[derive(Clone, Debug)]
    pub struct Paused {
        /// The state it had until then.
        was: String,
        /// Since when, in database time.
        at: Timestamp,
    }
}

/// Stops claims in a workspace, if it is active.
pub async fn pause(tx: &SystemTx, tenant: TenantId) -> Result<Paused, DbError> {
    tx.one(sql!("system/move_pause.sql"), &[&tenant]).await
}

/// How long it is until an instant, in milliseconds; below zero where it has passed. Statements that follow take no longer.
pub async fn time_left(tx: &SystemTx, until: Timestamp) -> Result<i64, DbError> {
    let rows = tx.rows(sql!("system/move_time_left.sql"), &[&until]).await?;
    let left_ms = rows.first().map_or(Ok(0), |row| row.try_get("left_ms"))?;
    placement::bound(tx, left_ms).await?;
    Ok(left_ms)
}

/// Holds the workspace alone until the transaction ends.
pub async fn hold(tx: &SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.rows(sql!("system/move_hold.sql"), &[&tenant]).await.map(drop)
}

/// The pool of a schema, held as it is until the transaction ends; none where the schema is none.
pub async fn pool(tx: &SystemTx, schema: &SchemaName) -> Result<Option<Pool>, DbError> {
    tx.optional(sql!("system/target.sql"), &[&schema.as_str()]).await
}

/// Copies the workspace's rows of one table.
pub async fn copy(
    tx: &SystemTx,
    tenant: TenantId,
    (from, to): (&SchemaName, &SchemaName),
    table: &str,
) -> Result<(), DbError> {
    tx.rows(sql!("system/copy_table.sql"), &[&tenant, &from.as_str(), &to.as_str(), &table]).await.map(drop)
}

/// What a table holds of the workspace.
pub async fn held(
    tx: &SystemTx,
    tenant: TenantId,
    schema: &SchemaName,
    table: &str,
) -> Result<Held, DbError> {
    tx.one(sql!("system/digest_of.sql"), &[&tenant, &schema.as_str(), &table]).await
}

/// Leads the workspace's route from one schema to another.
pub async fn switch(tx: &SystemTx, tenant: TenantId, from: &SchemaName, to: &Place) -> Result<(), DbError> {
    let (placement, cell, schema) = (to.placement.as_str(), to.cell.as_str(), to.schema.as_str());
    tx.execute(sql!("system/note_move.sql"), &[&tenant, &from.as_str()]).await?;
    tx.execute_one(
        "system/switch_place",
        sql!("system/switch_place.sql"),
        &[&tenant, &from.as_str(), &placement, &cell, &schema, &to.version],
    )
    .await
}

/// Gives the workspace its state back, and makes what it owes due.
pub async fn resume(tx: &SystemTx, tenant: TenantId, state: &str) -> Result<(), DbError> {
    tx.rows(sql!("system/move_resume.sql"), &[&tenant, &state]).await.map(drop)
}

/// Removes the rows of a workspace from a schema where it no longer is. Says how many.
pub async fn clear(tx: &SystemTx, tenant: TenantId, schema: &SchemaName) -> Result<i64, DbError> {
    let rows = tx.rows(sql!("system/clear_rows.sql"), &[&tenant, &schema.as_str()]).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get("cleared")?))
}

impl FromRow for Place {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let odd =
            |what: &str| DbError::Defect(BoxError::from(format!("a routing row's {what} is none of ours")));
        let (schema, placement): (String, String) = (row.try_get("schema_name")?, row.try_get("placement")?);
        Ok(Self {
            schema: schema.parse().map_err(|_| odd("schema"))?,
            placement: placement.parse().map_err(|()| odd("placement"))?,
            cell: row.try_get("cell")?,
            version: row.try_get("schema_version")?,
            state: row.try_get("state")?,
        })
    }
}

impl FromRow for Pool {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { cell: row.try_get("cell")?, version: row.try_get("schema_version")? })
    }
}

impl FromRow for Held {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { rows: row.try_get("row_count")?, digest: row.try_get("digest")? })
    }
}

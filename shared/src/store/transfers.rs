//! The statements of a move between databases, as the steward makes them: of the database that a workspace leaves, and of the one
//! into which it comes. Rows travel as JSON, table by table. All of them are the owner's.

use futures_util::{StreamExt, pin_mut};
use serde_json::Value;
use uuid::Uuid;

use super::{
    deletion::PURGED,
    operations::Taken,
    placements::{self, Place},
};
use crate::{
    db::{SystemTx, placement},
    error::DbError,
    model::{
        ids::TenantId,
        tenant::{DatabaseName, SchemaName},
    },
    sql,
};

/// Rows are sent on once they have so many bytes.
const CHUNK: usize = 1 << 20;

/// A workspace on its way.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// Which.
    pub tenant: TenantId,
    /// The schema it leaves.
    pub from: &'a SchemaName,
    /// The one it comes into.
    pub to: &'a SchemaName,
}

row! {
    struct Along {
        name: String,
        content: Value,
    }
}

row! {
    struct Directory {
        directory: Option<Value>,
    }
}

row! {
    struct Answer {
        yes: bool,
    }
}

row! {
    struct Recorded {
        operation: Value,
    }
}

/// The directory of a workspace; a sandbox has none.
pub async fn directory(tx: &SystemTx, tenant: TenantId) -> Result<Option<Value>, DbError> {
    Ok(tx.one::<Directory>(sql!("system/directory_along.sql"), &[&tenant]).await?.directory)
}

/// Whether a workspace may come: it is not there, and nobody else is where it is to be alone.
pub async fn may_come(
    tx: &SystemTx,
    tenant: TenantId,
    directory: &Value,
    is_alone: bool,
) -> Result<bool, DbError> {
    Ok(tx.one::<Answer>(sql!("system/may_come.sql"), &[&tenant, directory, &is_alone]).await?.yes)
}

/// Whether nothing is left there of an earlier stay: a move that brought the workspace away clears it afterwards.
pub async fn is_cleared(tx: &SystemTx, tenant: TenantId) -> Result<bool, DbError> {
    Ok(tx.one::<Answer>(sql!("system/is_cleared.sql"), &[&tenant]).await?.yes)
}

/// Whether a database is a directory's own, or may become so.
pub async fn is_free_for(tx: &SystemTx, directory: Uuid) -> Result<bool, DbError> {
    Ok(tx.one::<Answer>(sql!("system/is_free_for.sql"), &[&directory]).await?.yes)
}

/// The people of a workspace that is worked on.
pub async fn people(leaves: &SystemTx, of: &Taken) -> Result<Value, DbError> {
    let rows = along(leaves, of).await?;
    Ok(rows.into_iter().find(|along| along.name == "users").map_or(Value::Null, |along| along.content))
}

/// Whether some of these people are known there under other ids: then nothing that names them could come.
pub async fn are_known_otherwise(comes: &SystemTx, people: &Value) -> Result<bool, DbError> {
    Ok(comes.one::<Answer>(sql!("system/known_otherwise.sql"), &[people]).await?.yes)
}

/// What is known of the workspace beside its own tables, but for the move itself. Says which table is not what it was, if one is.
pub async fn carry_along(leaves: &SystemTx, comes: &SystemTx, of: &Taken) -> Result<Option<String>, DbError> {
    let rows = along(leaves, of).await?;
    for Along { name, content } in &rows {
        comes.rows(sql!("system/put_along.sql"), &[name, &content.to_string()]).await?;
    }
    let there = along(comes, of).await?;
    // People whom somebody else there knows too are as they are there.
    let is_kept = |old: &&Along| old.name == "users" || there.iter().any(|new| is_same(old, new));
    Ok(rows.iter().find(|old| !is_kept(old)).map(|old| old.name.clone()))
}

async fn along(tx: &SystemTx, of: &Taken) -> Result<Vec<Along>, DbError> {
    tx.all(sql!("system/rows_along.sql"), &[&of.route.tenant, &of.id]).await
}

/// Whether two tables have the same rows, in whatever order.
fn is_same(old: &Along, new: &Along) -> bool {
    let sorted = |along: &Along| {
        let mut rows: Vec<String> =
            along.content.as_array().into_iter().flatten().map(Value::to_string).collect();
        rows.sort();
        rows
    };
    old.name == new.name && sorted(old) == sorted(new)
}

/// The workspace's own rows of one table. Not more than a chunk of them is held at once.
pub async fn carry(
    leaves: &SystemTx,
    comes: &SystemTx,
    of: Transfer<'_>,
    table: &str,
) -> Result<(), DbError> {
    let rows = leaves.stream(sql!("system/rows_of.sql"), &[&of.tenant, &of.from.as_str(), &table]).await?;
    pin_mut!(rows);
    let mut chunk = String::from("[");
    while let Some(row) = rows.next().await.transpose()? {
        if chunk.len() > 1 {
            chunk.push(',');
        }
        chunk.push_str(row.try_get("content")?);
        if chunk.len() > CHUNK {
            put(comes, of, table, &mut chunk).await?;
        }
    }
    if chunk.len() > 1 { put(comes, of, table, &mut chunk).await } else { Ok(()) }
}

async fn put(comes: &SystemTx, of: Transfer<'_>, table: &str, chunk: &mut String) -> Result<(), DbError> {
    chunk.push(']');
    let params: [&dyn crate::db::Param; 4] = [&of.tenant, &of.to.as_str(), &table, chunk];
    comes.rows(sql!("system/put_rows.sql"), &params).await?;
    chunk.truncate(1);
    Ok(())
}

/// What both sides hold of a table, the one that is left first.
pub async fn compare(
    leaves: &SystemTx,
    comes: &SystemTx,
    of: Transfer<'_>,
    table: &str,
) -> Result<(placements::Held, placements::Held), DbError> {
    let here = placements::held(leaves, of.tenant, of.from, table);
    let there = placements::held(comes, of.tenant, of.to, table);
    futures_util::try_join!(here, there)
}

/// Lists it in its new place, not open yet.
pub async fn settle(
    comes: &SystemTx,
    tenant: TenantId,
    at: &Place,
    directory: &Value,
) -> Result<(), DbError> {
    let (placement, cell, schema) = (at.placement.as_str(), at.cell.as_str(), at.schema.as_str());
    let params: [&dyn crate::db::Param; 5] = [&tenant, &placement, &cell, &schema, directory];
    comes.rows(sql!("system/settle_moved.sql"), &params).await.map(drop)
}

/// It has left for a database, or for the first one: closed here, and not open there before it has arrived.
pub async fn leave(
    leaves: &SystemTx,
    tenant: TenantId,
    database: Option<&DatabaseName>,
) -> Result<(), DbError> {
    let database = database.map(ToString::to_string);
    leaves.rows(sql!("system/leave.sql"), &[&tenant, &database]).await.map(drop)
}

/// The move as its own database has recorded it.
pub async fn recorded(leaves: &SystemTx, of: &Taken) -> Result<Value, DbError> {
    Ok(leaves.one::<Recorded>(sql!("system/operation_as_json.sql"), &[&of.id, &of.epoch]).await?.operation)
}

/// It has arrived: open, in the state that it had, with the move as one of its operations.
pub async fn arrive(
    comes: &SystemTx,
    tenant: TenantId,
    state: &str,
    (directory, operation): (&Value, &Value),
) -> Result<(), DbError> {
    comes.rows(sql!("system/arrive.sql"), &[&tenant, &state, directory, operation]).await.map(drop)
}

/// Takes away what schema `system` knows of a workspace that is not open here; the move that is worked on with it.
pub async fn forget(tx: &SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.rows(sql!("system/forget_moved.sql"), &[&tenant, &PURGED]).await.map(drop)
}

/// Values are read and compared as texts that mean the same in both databases.
pub async fn exact_texts(leaves: &SystemTx, comes: &SystemTx) -> Result<(), DbError> {
    placement::exact_texts(leaves).await?;
    placement::exact_texts(comes).await
}

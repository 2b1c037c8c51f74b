//! Seals and the rows they cover. The steward seals as the owner inside a workspace; everybody else reads.

use uuid::Uuid;

use super::FromRow;
use crate::{
    db::{Param, Row, SystemTx, TenantTx},
    error::DbError,
    model::{ids::TenantId, tenant::Route},
    seal::{Batch, Chain, Hash, Position, Seal, leaf},
    sql,
};

/// Rows of an epoch, in the order of sealing.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// 0 for the epoch that goes on.
    pub epoch: i16,
    /// Behind this place.
    pub after: Position,
    /// Up to and with this one.
    pub through: Position,
    /// Rows at most.
    pub limit: usize,
}

/// A row as it is sealed.
pub struct Logged<'a> {
    /// `audit` or `events`.
    pub log: &'a str,
    /// Where it stands.
    pub position: Position,
    /// Its columns' texts, in the order of `seal::AUDIT` or `seal::EVENTS`.
    pub fields: Vec<Option<&'a str>>,
}

/// What a sealing sees as it begins.
#[derive(Clone, Debug)]
pub struct Look {
    /// Every transaction below this one has ended, and what it wrote is seen.
    pub below: u64,
    /// The sealing's own transaction.
    pub here: u64,
    /// Database time, as seals have it.
    pub now: String,
}

/// Takes workspaces that have something unsealed: closes their due rows, with a lease of two minutes.
pub async fn claim(tx: &SystemTx, limit: i64) -> Result<Vec<Route>, DbError> {
    let claimed: Vec<Claimed> = tx.all(sql!("system/claim_seals.sql"), &[&limit]).await?;
    Ok(claimed.into_iter().map(|claimed| claimed.0).collect())
}

/// For how many seconds the oldest row that is not sealed has waited, in any workspace; 0 where none does.
pub async fn unsealed_for(tx: SystemTx) -> Result<i64, DbError> {
    let rows = tx.last(sql!("system/unsealed_for.sql"), &[]).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get("oldest_s")?))
}

/// What a sealing sees. To be asked before anything else.
pub async fn look(tx: &TenantTx) -> Result<Look, DbError> {
    tx.one(sql!("owner/look.sql"), &[]).await
}

/// The chain's end; its beginning where there is no seal yet.
pub async fn end(tx: &TenantTx, tenant: TenantId) -> Result<Chain, DbError> {
    let last = last(tx).await?;
    Ok(last.map_or_else(|| Chain::start(tenant), |seal| Chain::behind(&seal)))
}

/// The last seal.
pub async fn last(tx: &TenantTx) -> Result<Option<Seal>, DbError> {
    tx.optional(sql!("seals/last.sql"), &[]).await
}

/// Seals behind a number, in their order.
pub async fn after(tx: &TenantTx, number: i64, limit: i64) -> Result<Vec<Seal>, DbError> {
    tx.all(sql!("seals/after.sql"), &[&number, &limit]).await
}

/// Reads rows, each as `read` makes it.
pub async fn rows<T>(
    tx: &TenantTx,
    range: Range,
    read: impl Fn(&Logged<'_>) -> T,
) -> Result<Vec<T>, DbError> {
    let Range { epoch, after, through, limit } = range;
    let (after_tx, through_tx) = (after.tx.to_string(), through.tx.to_string());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let params: [&dyn Param; 6] = [&epoch, &after_tx, &after.id, &through_tx, &through.id, &limit];
    let rows = tx.rows(sql!("seals/rows.sql"), &params).await?;
    rows.iter().map(|row| Ok(read(&logged(row)?))).collect()
}

/// The rows of a range, hashed; the last one only if it stands at the place of the one before it, where the limit was reached.
pub async fn batch(tx: &TenantTx, range: Range) -> Result<Batch, DbError> {
    let hashed = |row: &Logged<'_>| {
        let is_audit = row.log == "audit";
        (is_audit, row.position, leaf(row.log, row.fields.iter().copied()))
    };
    let mut rows = rows(tx, range, hashed).await?;
    if let [.., before, last] = rows.as_slice()
        && rows.len() == range.limit
        && before.1 != last.1
    {
        rows.pop();
    }
    let mut batch = Batch::default();
    for (is_audit, position, leaf) in rows {
        batch.push(if is_audit { "audit" } else { "events" }, position, leaf);
    }
    Ok(batch)
}

/// Whether rows stand in an epoch that was never closed.
pub async fn has_strays(tx: &TenantTx, epoch: i16) -> Result<bool, DbError> {
    let found: Found = tx.one(sql!("seals/strays.sql"), &[&epoch]).await?;
    Ok(found.yes)
}

/// Writes a seal. Its number is taken where another sealing was faster.
pub async fn insert(tx: &TenantTx, seal: &Seal) -> Result<(), DbError> {
    let (first_tx, last_tx) = (seal.first.tx.to_string(), seal.last.tx.to_string());
    let bytes = |hash: &Hash| hash.to_vec();
    let (root, previous, hash) = (bytes(&seal.root), bytes(&seal.previous), bytes(&seal.hash));
    let params: [&dyn Param; 12] = [
        &seal.number,
        &seal.epoch,
        &seal.audit_rows,
        &seal.event_rows,
        &first_tx,
        &seal.first.id,
        &last_tx,
        &seal.last.id,
        &root,
        &previous,
        &hash,
        &seal.sealed_at,
    ];
    tx.execute_one("insert a seal", sql!("owner/insert_seal.sql"), &params).await
}

/// Lets the workspace's due rows go, as far as nobody relies on them, and has it looked at again for the others.
pub async fn rest(tx: &TenantTx, tenant: TenantId, look: &Look) -> Result<(), DbError> {
    let (here, below) = (look.here.to_string(), look.below.to_string());
    tx.execute(sql!("owner/rest_delete.sql"), &[&tenant, &here, &below]).await?;
    tx.execute(sql!("owner/rest_keep.sql"), &[&tenant, &here]).await?;
    Ok(())
}

/// After a workspace's rows and seals were loaded as they were: closes the epoch of those that are sealed and opens the next
/// with a seal over nothing, chained to the old head. Rows that were not sealed yet are this transaction's from now on. To be
/// called in scope [`crate::db::Scope::LoadingLogs`], before anybody else writes there.
pub async fn open_epoch(tx: &TenantTx, tenant: TenantId) -> Result<Seal, DbError> {
    let (look, end) = (look(tx).await?, end(tx, tenant).await?);
    let (last_tx, last_id) = (end.last().tx.to_string(), end.last().id);
    let params: [&dyn Param; 3] = [&end.epoch(), &last_tx, &last_id];
    tx.execute(sql!("owner/close_audit.sql"), &params).await?;
    tx.execute(sql!("owner/close_events.sql"), &params).await?;
    let seal = end.next(&Batch::default(), look.now);
    insert(tx, &seal).await?;
    Ok(seal)
}

/// After a workspace's rows were loaded for another workspace: its chain begins anew, with all of them.
pub async fn begin_anew(tx: &TenantTx) -> Result<(), DbError> {
    tx.execute(sql!("owner/forget_seals.sql"), &[]).await?;
    tx.execute(sql!("owner/unseal_audit.sql"), &[]).await?;
    tx.execute(sql!("owner/unseal_events.sql"), &[]).await?;
    Ok(())
}

fn logged(row: &Row) -> Result<Logged<'_>, DbError> {
    let position = Position { tx: number(row, "tx")?, id: row.try_get("id")? };
    Ok(Logged { log: row.try_get("log")?, position, fields: row.try_get("fields")? })
}

/// A transaction's id, which the driver has no type for.
fn number(row: &Row, column: &str) -> Result<u64, DbError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error| DbError::Defect(Box::new(error)))
}

fn hash(row: &Row, column: &str) -> Result<Hash, DbError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|error| DbError::Defect(Box::new(error)))
}

impl FromRow for Seal {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.try_get("tenant_id")?,
            number: row.try_get("number")?,
            epoch: row.try_get("epoch")?,
            format: row.try_get("format")?,
            audit_rows: row.try_get("audit_rows")?,
            event_rows: row.try_get("event_rows")?,
            first: Position { tx: number(row, "first_tx")?, id: row.try_get("first_id")? },
            last: Position { tx: number(row, "last_tx")?, id: row.try_get("last_id")? },
            root: hash(row, "root")?,
            previous: hash(row, "previous")?,
            sealed_at: row.try_get("sealed_at")?,
            hash: hash(row, "hash")?,
        })
    }
}

impl FromRow for Look {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { below: number(row, "below")?, here: number(row, "here")?, now: row.try_get("now")? })
    }
}

row! {
    struct Found { yes: bool, }
}

struct Claimed(Route);

impl FromRow for Claimed {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let schema: &str = row.try_get("schema_name")?;
        let tenant: Uuid = row.try_get("tenant_id")?;
        let schema = schema.parse().map_err(|_| DbError::Defect("a schema's name is not ours".into()))?;
        Ok(Self(Route { tenant: tenant.into(), schema }))
    }
}

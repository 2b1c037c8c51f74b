//! Backfills: what a migration owes the rows that were there before it. Each is one statement of this release, run as the owner in
//! the scope of one workspace, whose rows are all that forced row-level security lets it see, in a pool too. The steward is the
//! only caller. `CONTRIBUTING.md` says how one is written.

use super::{Database, FromRow, Row, Scope, TenantTx};
use crate::{error::DbError, model::tenant::Route, sql};

/// The statement that fills in what a migration brought.
#[derive(Clone, Copy, Debug)]
pub struct Backfill {
    /// The migration's number: a workspace owes it from that version on.
    pub version: i32,
    /// Its name.
    pub name: &'static str,
    /// One statement. `$1` (text) is where the batch before ended, empty at first; `$2` (bigint) is how many rows to look at. It
    /// answers one row: `last` (text), where this batch ended, null once nothing follows, and `changed` (bigint). Run again over
    /// the same rows it changes nothing.
    pub text: &'static str,
}

/// The migrations of workspaces that have one: `NNNN_name.backfill.sql` beside the migration.
pub const BACKFILLS: &[Backfill] = &[];

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// There may be more.
    More,
    /// The workspace owes it no longer.
    Done,
    /// Somebody else is at it, or has done it.
    Taken,
}

/// One batch in one workspace, in a short transaction; where it ended is noted in the same.
pub async fn batch(
    database: &Database,
    backfill: &Backfill,
    of: &Route,
    most: i64,
) -> Result<Batch, DbError> {
    let tx = TenantTx::begin(database, &Scope::Owner(of.clone()), "backfill").await?;
    let (tenant, version) = (of.tenant, backfill.version);
    let held: Option<After> = tx.optional(sql!("backfills/hold.sql"), &[&tenant, &version]).await?;
    let Some(After(after)) = held else {
        tx.rollback().await?;
        return Ok(Batch::Taken);
    };
    // Whoever has to wait for these rows waits no longer.
    tx.rows("set local statement_timeout = '5s'", &[]).await?;
    let Done { last, changed } = tx.one(backfill.text, &[&after, &most]).await?;
    if last.as_ref() == Some(&after) {
        return Err(DbError::Defect("the backfill does not come forward".into()));
    }
    tx.last(sql!("backfills/note.sql"), &[&tenant, &version, &last, &changed]).await?;
    Ok(if last.is_some() { Batch::More } else { Batch::Done })
}

/// Where the last batch ended.
struct After(String);

impl FromRow for After {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("after")?))
    }
}

struct Done {
    last: Option<String>,
    changed: i64,
}

impl FromRow for Done {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { last: row.try_get("last")?, changed: row.try_get("changed")? })
    }
}

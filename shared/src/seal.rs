//! Seals: what a batch of audit and event rows comes to as one hash, and how seals are chained. Pure; `docs/audit.md` is the
//! specification that others verify by. The steward makes seals, the portal verifies them; rows are `store::seals`'s.
//!
//! Never here: the text of a column. Each comes from the database as it is hashed.

mod chain;

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use crate::model::ids::TenantId;

pub use chain::{Batch, Chain, Flaw, Pin};

/// SHA-256.
pub type Hash = [u8; 32];

/// Rows of a seal at most, but for one: two rows of one place are not torn apart.
pub const MOST_ROWS: usize = 2000;

/// The columns of `audit` that a row's hash is made of, in their order: all but `epoch`, which a seal says for its rows.
pub const AUDIT: [&str; 15] = [
    "tenant_id",
    "id",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "before_digest",
    "after_digest",
    "request_id",
    "source_address",
    "detail",
    "tx",
];

/// The columns of `events`, likewise.
pub const EVENTS: [&str; 13] = [
    "tenant_id",
    "id",
    "run_id",
    "task_run_id",
    "attempt_id",
    "from_state",
    "to_state",
    "reason",
    "actor_kind",
    "actor_id",
    "at",
    "detail",
    "tx",
];

/// The columns of `seals` that a seal's hash is made of, in their order.
pub const SEALS: [&str; 13] = [
    "tenant_id",
    "number",
    "epoch",
    "format",
    "audit_rows",
    "event_rows",
    "first_tx",
    "first_id",
    "last_tx",
    "last_id",
    "root",
    "previous",
    "sealed_at",
];

/// Where a row stands in the order of sealing: the transaction that wrote it, then its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The transaction's id, 64 bits wide.
    pub tx: u64,
    /// The row's id.
    pub id: Uuid,
}

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Whose.
    pub tenant: TenantId,
    /// 1, 2, 3 … without a gap.
    pub number: i64,
    /// The database its transaction ids are of: 1, and one more after each move or restore.
    pub epoch: i16,
    /// How its hashes are made: 1, as this module does.
    pub format: i16,
    /// Rows of `audit`.
    pub audit_rows: i32,
    /// Rows of `events`.
    pub event_rows: i32,
    /// Where its first row stands.
    pub first: Position,
    /// Where its last row stands; the next seal begins behind it.
    pub last: Position,
    /// The Merkle root of its rows.
    pub root: Hash,
    /// The hash of the seal before it; zeros for the first.
    pub previous: Hash,
    /// When it was made: RFC 3339, UTC, microseconds.
    pub sealed_at: String,
    /// The hash of all this.
    pub hash: Hash,
}

/// A Merkle tree that grows by leaves and keeps only what it needs for its root (RFC 6962, 2.1).
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Roots of whole subtrees, the largest first, each with its height.
    peaks: Vec<(u32, Hash)>,
}

impl Position {
    /// Before every row.
    pub const START: Self = Self { tx: 0, id: Uuid::nil() };
    /// After every row.
    pub const END: Self = Self { tx: u64::MAX, id: Uuid::max() };

    /// After every row of the transactions below one.
    #[must_use]
    pub fn below(tx: u64) -> Self {
        Self { tx: tx.saturating_sub(1), id: Uuid::max() }
    }
}

impl Seal {
    /// All of it as texts, in the order of [`SEALS`].
    #[must_use]
    pub fn fields(&self) -> [String; 13] {
        [
            self.tenant.to_string(),
            self.number.to_string(),
            self.epoch.to_string(),
            self.format.to_string(),
            self.audit_rows.to_string(),
            self.event_rows.to_string(),
            self.first.tx.to_string(),
            self.first.id.to_string(),
            self.last.tx.to_string(),
            self.last.id.to_string(),
            hex(&self.root),
            hex(&self.previous),
            self.sealed_at.clone(),
        ]
    }

    /// Its hash as it should be.
    #[must_use]
    pub fn computed(&self) -> Hash {
        hash_of(2, "seals", self.fields().iter().map(|text| Some(text.as_str())))
    }

    /// With its hash.
    #[must_use]
    pub fn hashed(self) -> Self {
        Self { hash: self.computed(), ..self }
    }

    /// Rows of both logs.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::try_from(i64::from(self.audit_rows) + i64::from(self.event_rows)).unwrap_or(0)
    }
}

impl Tree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut grown = (0, leaf);
        while let Some((_, left)) = self.peaks.pop_if(|(height, _)| *height == grown.0) {
            grown = (grown.0 + 1, node(&left, &grown.1));
        }
        self.peaks.push(grown);
    }

    /// The root of all leaves so far; of none, the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().map(|(_, hash)| *hash);
        let last = peaks.next().unwrap_or_else(|| finish(Context::new(&SHA256)));
        peaks.fold(last, |right, left| node(&left, &right))
    }
}

/// The hash of a row: its log and its columns.
pub fn leaf<'a>(log: &'a str, fields: impl Iterator<Item = Option<&'a str>>) -> Hash {
    hash_of(0, log, fields)
}

/// SHA-256 of a domain's byte, then each field: its length in four bytes, big end first, and its UTF-8; FFFFFFFF for null.
fn hash_of<'a>(domain: u8, log: &'a str, fields: impl Iterator<Item = Option<&'a str>>) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[domain]);
    for field in std::iter::once(Some(log)).chain(fields) {
        let length = field.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX - 1));
        context.update(&length.to_be_bytes());
        context.update(field.unwrap_or_default().as_bytes());
    }
    finish(context)
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(left);
    context.update(right);
    finish(context)
}

fn finish(context: Context) -> Hash {
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

//! Following a chain: whether each seal is what its hash says, follows the one before it, and covers the rows that are there.

use std::{fmt, str::FromStr};

use super::{Hash, MOST_ROWS, Position, Seal, Tree, hex};
use crate::model::ids::TenantId;

/// A seal by its number and its hash, `12.9f86…`: what a tenant notes outside, and where a verification goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its number.
    pub number: i64,
    /// Its hash.
    pub hash: Hash,
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A seal is gone, doubled or in the wrong place.
    SealMissing,
    /// A seal's hash is not that of its content, or it is another tenant's.
    SealChanged,
    /// A seal does not name the hash of the one before it.
    SealReplaced,
    /// A seal's range is not behind the one before it.
    SealMisplaced,
    /// Fewer rows than were sealed.
    RowsMissing,
    /// More rows than were sealed.
    RowsAdded,
    /// As many rows as were sealed, but not those.
    RowsChanged,
    /// The chain does not hold the seal that was pinned.
    HeadMissing,
}

/// How far a chain was followed.
#[derive(Clone, Debug)]
pub struct Chain {
    tenant: TenantId,
    number: i64,
    epoch: i16,
    last: Position,
    hash: Hash,
}

impl Chain {
    /// Before the first seal.
    #[must_use]
    pub fn start(tenant: TenantId) -> Self {
        Self { tenant, number: 0, epoch: 1, last: Position::START, hash: [0; 32] }
    }

    /// Behind a seal, taken as it is.
    #[must_use]
    pub fn behind(seal: &Seal) -> Self {
        let Seal { tenant, number, epoch, last, hash, .. } = *seal;
        Self { tenant, number, epoch, last, hash }
    }

    /// The number of the seal last followed; 0 before the first.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The epoch it is in.
    #[must_use]
    pub fn epoch(&self) -> i16 {
        self.epoch
    }

    /// Where the last row stands that a seal covers.
    #[must_use]
    pub fn last(&self) -> Position {
        self.last
    }

    /// The seal last followed, to be pinned; none before the first.
    #[must_use]
    pub fn head(&self) -> Option<Pin> {
        (self.number > 0).then_some(Pin { number: self.number, hash: self.hash })
    }

    /// The next seal over some rows; an epoch's first one covers none.
    #[must_use]
    pub fn next(&self, rows: &Batch, sealed_at: String) -> Seal {
        let (first, last) = rows.ends.unwrap_or((Position::START, Position::START));
        let seal = Seal {
            tenant: self.tenant,
            number: self.number + 1,
            epoch: self.epoch + i16::from(rows.ends.is_none()),
            format: 1,
            audit_rows: rows.audit_rows,
            event_rows: rows.event_rows,
            first,
            last,
            root: rows.tree.root(),
            previous: self.hash,
            sealed_at,
            hash: [0; 32],
        };
        seal.hashed()
    }

    /// Whether a seal follows, by itself: its number, its hash, its link, its range.
    pub fn check(&self, seal: &Seal) -> Result<(), Flaw> {
        if seal.number != self.number + 1 {
            return Err(Flaw::SealMissing);
        }
        if seal.hash != seal.computed() || seal.tenant != self.tenant || seal.format != 1 {
            return Err(Flaw::SealChanged);
        }
        if seal.previous != self.hash {
            return Err(Flaw::SealReplaced);
        }
        let opens = seal.rows() == 0 && seal.epoch == self.epoch + 1 && seal.last == Position::START;
        let goes_on =
            seal.rows() > 0 && seal.epoch == self.epoch && seal.first > self.last && seal.last >= seal.first;
        let fits = seal.rows() <= MOST_ROWS + 1;
        ((opens || goes_on) && fits).then_some(()).ok_or(Flaw::SealMisplaced)
    }

    /// Whether a seal's rows are those that stand in its range; then goes behind it.
    pub fn follow(&mut self, seal: &Seal, rows: &Batch) -> Result<(), Flaw> {
        self.check(seal)?;
        let found = rows.rows();
        if found < seal.rows() {
            return Err(Flaw::RowsMissing);
        }
        if found > seal.rows() {
            return Err(Flaw::RowsAdded);
        }
        if rows.tree.root() != seal.root
            || rows.audit_rows != seal.audit_rows
            || rows.ends.is_some_and(|ends| ends != (seal.first, seal.last))
        {
            return Err(Flaw::RowsChanged);
        }
        *self = Self::behind(seal);
        Ok(())
    }
}

/// Rows as they are sealed: counted, and hashed into a tree.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tree: Tree,
    audit_rows: i32,
    event_rows: i32,
    ends: Option<(Position, Position)>,
}

impl Batch {
    /// Adds the next row: its log, its place, its hash.
    pub fn push(&mut self, log: &str, position: Position, leaf: Hash) {
        self.tree.push(leaf);
        match log {
            "audit" => self.audit_rows += 1,
            _ => self.event_rows += 1,
        }
        self.ends = Some((self.ends.map_or(position, |(first, _)| first), position));
    }

    /// How many it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::try_from(i64::from(self.audit_rows) + i64::from(self.event_rows)).unwrap_or(0)
    }
}

impl Flaw {
    /// A stable word for programs, and a sentence for people.
    #[must_use]
    pub const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::SealMissing => ("seal_missing", "A seal is missing, or its number is not the next one."),
            Self::SealChanged => ("seal_changed", "The seal's hash is not that of its content."),
            Self::SealReplaced => ("seal_replaced", "The seal does not follow the one before it."),
            Self::SealMisplaced => ("seal_misplaced", "The seal's range is not behind the one before it."),
            Self::RowsMissing => ("rows_missing", "Fewer rows are there than were sealed."),
            Self::RowsAdded => ("rows_added", "More rows are there than were sealed."),
            Self::RowsChanged => ("rows_changed", "A row was changed, moved or replaced."),
            Self::HeadMissing => ("head_missing", "The chain does not hold the seal that was pinned."),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, hex(&self.hash))
    }
}

impl FromStr for Pin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, hash) = text.split_once('.').ok_or(())?;
        let number = number.parse().ok().filter(|n| (1..=i64::MAX - 1).contains(n)).ok_or(())?;
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = hash.get(2 * at..2 * at + 2).ok_or(())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        Ok(Self { number, hash: bytes })
    }
}

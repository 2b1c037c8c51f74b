//! The chain of seals over the audit and event logs: its head, to be noted outside, and its verification. Bounded per call; the
//! answer says where to go on.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use shared::{
    db::TenantTx,
    error::DbError,
    seal::{Chain, Flaw, Pin, Position, Seal},
    store::seals::{self, Range},
};
use tokio::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

use crate::{argument::Query, caller::Caller, fault::Answered, reply::Found};

/// A call verifies for this long at most, well within the function's 15 s.
const LONGEST: Duration = Duration::from_secs(5);
/// Seals read at once.
const BATCH: i64 = 50;

/// The newest seal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditHead {
    /// What to note outside: `head` of a later verification. Null before the first seal.
    #[schema(example = "12.9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    head: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    sealed_at: Option<String>,
}

/// What a verification found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditVerification {
    /// Nothing is wrong as far as this call went.
    verified: bool,
    /// Seals verified by this call.
    seals: usize,
    /// Rows of both logs that they cover.
    rows: usize,
    /// When the last of them was made: what was written up to a moment before is covered.
    #[schema(format = DateTime)]
    sealed_through: Option<String>,
    /// The last of them, to be pinned.
    head: Option<String>,
    /// The first thing that is wrong.
    first_problem: Option<AuditProblem>,
    /// `cursor` of the call that goes on; null at the end of the chain.
    next_cursor: Option<String>,
}

/// Something that is wrong with a chain.
#[derive(Debug, Serialize, ToSchema)]
struct AuditProblem {
    /// The number of the seal at which it shows; of those before it, nothing is wrong.
    seal: i64,
    /// Stable; what a program looks at.
    #[schema(example = "rows_changed")]
    code: &'static str,
    /// For people.
    detail: &'static str,
}

/// The query of a verification.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `next_cursor` of the call before.
    #[serde(default, deserialize_with = "pin")]
    #[param(value_type = Option<String>)]
    cursor: Option<Pin>,
    /// A `head` that was noted earlier: the chain must hold it.
    #[serde(default, deserialize_with = "pin")]
    #[param(value_type = Option<String>)]
    head: Option<Pin>,
}

fn pin<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Pin>, D::Error> {
    let text = String::deserialize(reader)?;
    text.parse().map(Some).map_err(|()| D::Error::custom("is not a seal's number and hash: 12.9f86…"))
}

pub(super) async fn head(caller: Caller) -> Answered<Found<AuditHead>> {
    let held = caller.read().await?;
    let last = seals::last(&held).await?;
    let head = last.as_ref().and_then(|seal| Chain::behind(seal).head());
    Ok(Found::of(&AuditHead {
        head: head.map(|pin| pin.to_string()),
        sealed_at: last.map(|seal| seal.sealed_at),
    }))
}

pub(super) async fn verify(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<AuditVerification>> {
    let held = caller.read().await?;
    let last = seals::last(&held).await?;
    let mut walk = Walk {
        tx: &held,
        chain: Chain::start(caller.principal.tenant_id),
        epoch: last.as_ref().map_or(1, |seal| seal.epoch),
        seals: 0,
        rows: 0,
        sealed_through: None,
    };
    let (problem, goes_on) = match walk.go(&asked).await? {
        End::Flaw(seal, flaw) => {
            let (code, detail) = flaw.told();
            (Some(AuditProblem { seal, code, detail }), false)
        }
        End::OutOfTime => (None, true),
        End::OfTheChain => (None, false),
    };
    let head = walk.chain.head().map(|pin| pin.to_string());
    Ok(Found::of(&AuditVerification {
        verified: problem.is_none(),
        seals: walk.seals,
        rows: walk.rows,
        sealed_through: walk.sealed_through,
        next_cursor: head.clone().filter(|_| goes_on),
        head,
        first_problem: problem,
    }))
}

/// A verification on its way.
struct Walk<'a> {
    tx: &'a TenantTx,
    chain: Chain,
    /// The epoch that goes on.
    epoch: i16,
    seals: usize,
    rows: usize,
    sealed_through: Option<String>,
}

enum End {
    /// At the seal of this number.
    Flaw(i64, Flaw),
    OutOfTime,
    OfTheChain,
}

impl Walk<'_> {
    async fn go(&mut self, asked: &Asked) -> Result<End, DbError> {
        let started = Instant::now();
        if let Some(pin) = &asked.head
            && self.seal(pin).await?.is_none()
        {
            return Ok(End::Flaw(pin.number, Flaw::HeadMissing));
        }
        if let Some(pin) = &asked.cursor {
            match self.seal(pin).await? {
                Some(seal) => self.chain = Chain::behind(&seal),
                None => return Ok(End::Flaw(pin.number, Flaw::SealReplaced)),
            }
        }
        loop {
            let seals = seals::after(self.tx, self.chain.number(), BATCH).await?;
            if seals.is_empty() {
                let is_stray = seals::has_strays(self.tx, self.epoch).await?;
                let number = self.chain.number();
                return Ok(if is_stray { End::Flaw(number, Flaw::RowsAdded) } else { End::OfTheChain });
            }
            for seal in seals {
                if let Err(flaw) = self.step(&seal).await? {
                    return Ok(End::Flaw(self.chain.number() + 1, flaw));
                }
                self.seals += 1;
                self.rows += seal.rows();
                self.sealed_through = Some(seal.sealed_at);
                if started.elapsed() > LONGEST {
                    return Ok(End::OutOfTime);
                }
            }
        }
    }

    /// The seal that a pin names, if it is there and true to itself.
    async fn seal(&self, pin: &Pin) -> Result<Option<Seal>, DbError> {
        let found = seals::after(self.tx, pin.number - 1, 1).await?.pop();
        Ok(found.filter(|s| s.number == pin.number && s.hash == pin.hash && s.computed() == pin.hash))
    }

    /// One seal with its rows.
    async fn step(&mut self, seal: &Seal) -> Result<Result<(), Flaw>, DbError> {
        if let Err(flaw) = self.chain.check(seal) {
            return Ok(Err(flaw));
        }
        let rows_of = |epoch: i16| if epoch == self.epoch { 0 } else { epoch };
        // A seal over nothing ends an epoch: nothing of that one may be left over.
        let (epoch, through) = match seal.rows() {
            0 => (self.chain.epoch(), Position::END),
            _ => (seal.epoch, seal.last),
        };
        let limit = seal.rows() + 2;
        let range = Range { epoch: rows_of(epoch), after: self.chain.last(), through, limit };
        let batch = seals::batch(self.tx, range).await?;
        Ok(self.chain.follow(seal, &batch))
    }
}

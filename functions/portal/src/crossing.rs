//! Attempts to cross: somebody who asks for many things that are not there, or whom Postgres itself had to stop.
//!
//! Inside the fence a foreign id is absent, so nobody can say of one request whether it was an attempt; of twenty within a
//! minute, each for something else, one can. [`serve`](crate::serve) calls it with every fault. It writes one line that an
//! alarm counts and one audit row in the caller's own workspace, once in ten minutes for a person; never what was asked for.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use shared::{
    error::chain,
    model::ids::{TenantId, UserId},
    store::audit,
};

use crate::{
    argument::{Argument, Taking},
    caller::Caller,
    fault::{Fault, Stop},
    serve::Incoming,
};

/// Different things that somebody may miss within [`WINDOW`] and go unnoticed.
const MISSES: usize = 20;
/// How long misses are counted together.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// How long a person is not told of again.
const QUIET: SignedDuration = SignedDuration::from_mins(10);
/// People whose misses are kept; beyond that, those of a past window are forgotten.
const MOST_KEPT: usize = 10_000;
/// The audit row's action.
const ACTION: &str = "security.crossing_attempts";

/// What a fault may say of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Something by that id is not there.
    Miss,
    /// Postgres refused a permission, or a function found itself outside of any workspace.
    Denied,
}

/// Who missed how much lately, in this instance of the function.
#[derive(Debug, Default)]
pub struct Crossings(Mutex<HashMap<(TenantId, UserId), Misses>>);

#[derive(Debug)]
struct Misses {
    since: Timestamp,
    places: HashSet<u64>,
    told: Option<Timestamp>,
}

impl Crossings {
    /// Counts; says whether it is to be told now.
    fn note(&self, who: (TenantId, UserId), sign: Sign, place: u64, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEPT {
            all.retain(|_, misses| now < misses.since + WINDOW || misses.is_quiet(now));
        }
        let misses =
            all.entry(who).or_insert_with(|| Misses { since: now, places: HashSet::new(), told: None });
        if now >= misses.since + WINDOW {
            misses.since = now;
            misses.places.clear();
        }
        if misses.places.len() < MISSES {
            misses.places.insert(place);
        }
        let is_attempt = sign == Sign::Denied || misses.places.len() >= MISSES;
        if !is_attempt || misses.is_quiet(now) {
            return false;
        }
        misses.told = Some(now);
        true
    }
}

impl Misses {
    fn is_quiet(&self, now: Timestamp) -> bool {
        self.told.is_some_and(|told| now < told + QUIET)
    }
}

/// Looks at a fault, and tells of what it amounts to.
pub(crate) async fn watch(incoming: &Incoming, fault: &Fault) {
    let Some(sign) = fault.sign() else { return };
    let Ok(caller) = Caller::take(&mut Taking::new(incoming)) else { return };
    let (tenant, user) = (caller.principal.tenant_id, caller.user());
    let mut place = DefaultHasher::new();
    (incoming.uri.path(), &incoming.body).hash(&mut place);
    if !incoming.app.crossings.note((tenant, user), sign, place.finish(), incoming.app.clock.now()) {
        return;
    }
    if sign == Sign::Miss {
        // Of a permission refused, the transaction has told already.
        tracing::error!(
            event = "crossing_attempt", kind = "misses", %tenant, %user, request_id = incoming.request_id
        );
    }
    if let Err(error) = record(&caller).await {
        let cause = match error {
            Stop::Fault(fault) => fault.cause().map(chain),
            Stop::Replay(_) => None,
        };
        tracing::error!(request_id = incoming.request_id, cause, "a crossing attempt was not recorded");
    }
}

/// One row in the caller's own workspace, unless another instance wrote one within the same ten minutes.
async fn record(caller: &Caller) -> Result<(), Stop> {
    let held = caller.enter().await?;
    let now = held.open().await?.now;
    let record = caller.record(&held, ACTION, None)?;
    audit::commit_once_since(held.into_tx(), &record, now - QUIET).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn who(n: u128) -> (TenantId, UserId) {
        (Uuid::from_u128(n).into(), Uuid::from_u128(n).into())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn twenty_different_misses_in_a_minute_are_told_once_in_ten() {
        let crossings = Crossings::default();
        let told = |from: u64, to: u64, second: i64| {
            (from..to).filter(|n| crossings.note(who(1), Sign::Miss, *n, at(second))).count()
        };
        assert_eq!(told(0, 19, 0), 0);
        assert_eq!(told(19, 30, 1), 1);
        assert_eq!(told(30, 90, 300), 0, "the same ten minutes");
        assert_eq!(told(90, 120, 602), 1);
    }

    #[test]
    fn one_thing_missed_again_and_again_or_slowly_is_ordinary() {
        let crossings = Crossings::default();
        assert!((0..1000).all(|n| !crossings.note(who(1), Sign::Miss, 7, at(n / 20))));
        assert!((0..200i64).all(|n| !crossings.note(who(2), Sign::Miss, n.unsigned_abs(), at(n * 4))));
    }

    #[test]
    fn misses_are_a_persons_own() {
        let crossings = Crossings::default();
        assert!((0..15).all(|n| !crossings.note(who(1), Sign::Miss, n, at(0))));
        assert!((0..15).all(|n| !crossings.note(who(2), Sign::Miss, n, at(0))));
    }

    #[test]
    fn what_postgres_stops_is_told_at_once() {
        let crossings = Crossings::default();
        assert!(crossings.note(who(1), Sign::Denied, 1, at(0)));
        assert!(!crossings.note(who(1), Sign::Denied, 2, at(599)));
        assert!(crossings.note(who(1), Sign::Denied, 3, at(600)));
    }
}

//! API tokens that the database had, as far as this process remembers. A token is not signed: until the database says that it is
//! one, it counts for nothing. [`Admission`](crate::admission::Admission) asks once an hour for each token in an instance, before
//! the call is counted; with it, that the token is in use is noted, to the hour: a row update on every request would make reads
//! write. What is forgotten is asked again: that costs a round trip and no more.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use shared::{
    auth::Principal,
    db::{SystemRole, SystemTx},
    error::{DbError, Refusal},
    store::api_tokens,
};

use crate::App;

const PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Tokens of one generation: up to twice as many are remembered, in some 100 KB.
const GENERATION: usize = 1000;

/// What this process was told.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Generations>);

/// Tokens and when each was asked for. Where the newer are too many, the older are forgotten.
#[derive(Default)]
struct Generations {
    newer: HashMap<[u8; 32], Timestamp>,
    older: HashMap<[u8; 32], Timestamp>,
}

/// Whether an API token is one of the workspace and the person that it names. Refused as a token that is none; false where the
/// workspace may only have gone to another database meanwhile, which its scope finds out.
pub(crate) async fn prove(
    app: &App,
    of: &Principal,
    hash: [u8; 32],
    now: Timestamp,
) -> Result<bool, DbError> {
    if app.seen.knows(&hash, now) {
        return Ok(true);
    }
    let home = app.database.home_of(of.tenant_id).await?;
    let tx = SystemTx::begin(&home, SystemRole::Portal, "api_tokens.used").await?;
    let is_one = api_tokens::used(tx, &hash, of.tenant_user_id, of.tenant_id).await?;
    if is_one {
        app.seen.add(hash, now);
    } else if app.database.each().len() == 1 {
        return Err(DbError::Refused(Refusal::NoSession));
    }
    Ok(is_one)
}

impl Seen {
    fn knows(&self, hash: &[u8; 32], now: Timestamp) -> bool {
        let held = self.lock();
        let at = held.newer.get(hash).or_else(|| held.older.get(hash));
        at.is_some_and(|at| now.duration_since(*at) < PAUSE)
    }

    fn add(&self, hash: [u8; 32], now: Timestamp) {
        let mut held = self.lock();
        if held.newer.len() >= GENERATION {
            held.older = mem::take(&mut held.newer);
        }
        held.newer.insert(hash, now);
    }

    /// Forgets a token that is one no more.
    pub(crate) fn forget(&self, hash: &[u8; 32]) {
        let mut held = self.lock();
        held.newer.remove(hash);
        held.older.remove(hash);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: usize) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        hash
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_last_thousand_tokens_are_known_and_no_more_than_two_thousand() {
        let seen = Seen::default();
        for n in 0..10 * GENERATION {
            seen.add(hash(n), at(0));
            assert!(
                (n.saturating_sub(GENERATION - 1)..=n)
                    .all(|known| n % 97 > 0 || seen.knows(&hash(known), at(0)))
            );
        }
        let known = (0..10 * GENERATION).filter(|n| seen.knows(&hash(*n), at(0))).count();
        assert!((GENERATION..=2 * GENERATION).contains(&known), "{known}");
    }

    #[test]
    fn a_token_is_asked_for_again_after_an_hour_and_once_it_was_refused() {
        let seen = Seen::default();
        seen.add(hash(1), at(0));
        assert!(seen.knows(&hash(1), at(3599)) && !seen.knows(&hash(1), at(3600)));
        for n in 2..GENERATION + 2 {
            seen.add(hash(n), at(0));
        }
        seen.forget(&hash(1));
        seen.forget(&hash(GENERATION + 1));
        assert!(!seen.knows(&hash(1), at(0)) && !seen.knows(&hash(GENERATION + 1), at(0)));
        assert!(seen.knows(&hash(2), at(0)));
    }
}

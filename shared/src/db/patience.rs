//! How long a database is waited for. A server ends a statement that takes too long, and says so; one that has fallen silent says
//! nothing, and its connection stays open. So each answer has a time here too. Where none came in it the connection is closed; and
//! where nobody else here was answered meanwhile, the database is silent: it is given a rest, after which one borrower tries again,
//! and everybody else is refused at once, and keeps no invocation from others. Its first answer ends the silence.
//! `pool.rs` looks here before it lends a connection, `tx.rs` waits for answers through here.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Scope, SystemRole};
use crate::error::DbError;

/// A connection's first answer, and how long one may take to open. What goes ahead of a first answer waits for locks two seconds at
/// most; the rest is for a busy server. With the wait for a turn in the pool it is less than the functions before people have.
pub(super) const FIRST_ANSWER: Duration = Duration::from_secs(8);

/// Any other, of who serves requests and work: the server ends their statements after ten seconds.
const ANSWER: Duration = Duration::from_secs(12);

/// The same for the steward, which takes two minutes for what walks over everything, or a script of several statements.
const UNHURRIED: Duration = Duration::from_secs(125);

/// The same for what reads or writes a whole workspace in one statement, for which it may take four minutes.
const WHOLE: Duration = Duration::from_secs(245);

/// The rest of a database that has fallen silent. Each try without an answer makes it twice as long.
const REST: Duration = Duration::from_secs(1);

/// No rest is longer: who tries waits for as long as nobody does.
const LONGEST_REST: Duration = FIRST_ANSWER;

/// What is known of one database's silence; its pool and its transactions share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// When it answered somebody here last.
    heard_at: Option<Instant>,
    silence: Option<Silence>,
}

#[derive(Clone, Copy, Debug)]
struct Silence {
    /// When it was noticed, or the last try failed.
    noticed_at: Instant,
    rest: Duration,
    /// Until then it is asked nothing.
    until: Instant,
}

impl Patience {
    /// Refuses where the database is silent, but for the one who tries whether it still is.
    pub(super) fn lasts(&self) -> Result<(), DbError> {
        if self.seen().lets(Instant::now()) {
            return Ok(());
        }
        Err(DbError::Unavailable("it gave no answer a moment ago".into()))
    }

    /// It answered.
    pub(super) fn hears(&self) {
        self.seen().hears(Instant::now());
    }

    /// It gave no answer in its time to what it was asked then.
    pub(super) fn ends(&self, asked_at: Instant) {
        self.seen().ends(asked_at, Instant::now());
    }

    /// The answer, if it comes in time. The request leaves with the first poll.
    pub(super) async fn wait<F: Future>(&self, within: Duration, answer: F) -> Result<F::Output, DbError> {
        let asked_at = Instant::now();
        let answer = tokio::time::timeout(within, answer).await;
        match &answer {
            Ok(_) => self.hears(),
            Err(_) => self.ends(asked_at),
        }
        answer.map_err(|_| DbError::Unavailable(format!("no answer within {} s", within.as_secs()).into()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn lets(&mut self, now: Instant) -> bool {
        let Some(silence) = &mut self.silence else { return true };
        let is_rested = now >= silence.until;
        if is_rested {
            // Nobody else until this one was answered, or waited in vain.
            silence.until = now + FIRST_ANSWER;
        }
        is_rested
    }

    fn hears(&mut self, now: Instant) {
        *self = Self { heard_at: Some(now), silence: None };
    }

    fn ends(&mut self, asked_at: Instant, now: Instant) {
        // Where others were answered meanwhile it is slow, or this one connection is broken.
        if self.heard_at.is_some_and(|at| at > asked_at) {
            return;
        }
        let rest = match self.silence {
            // Asked before the silence was noticed: that is the same one.
            Some(silence) if silence.noticed_at > asked_at => return,
            Some(silence) => (silence.rest * 2).min(LONGEST_REST),
            None => REST,
        };
        self.silence = Some(Silence { noticed_at: now, rest, until: now + rest });
    }
}

impl Scope {
    /// How long an answer behind the first one is waited for: a little longer than the server lets a statement take.
    pub(super) fn longest(&self) -> Duration {
        match self {
            Self::Person { .. } | Self::Token { .. } | Self::Worker(_) | Self::Operator { .. } => ANSWER,
            Self::Snapshot(_) | Self::Loading(_) | Self::LoadingLogs(_) | Self::Owner(_) => WHOLE,
        }
    }
}

impl SystemRole {
    /// The same of a transaction on schema `system`.
    pub(super) fn longest(self) -> Duration {
        match self {
            Self::Signin | Self::Portal | Self::Scheduler | Self::Operators => ANSWER,
            Self::Sweeper | Self::Owner | Self::Steward => UNHURRIED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn who_was_silent_is_asked_nothing_for_a_while() {
        let patience = Patience::default();
        assert_eq!(patience.wait(SECOND, ready(7)).await.unwrap(), 7);
        assert!(patience.lasts().is_ok());
        let silent = patience.wait(Duration::from_millis(1), pending::<()>()).await;
        assert!(matches!(silent, Err(DbError::Unavailable(_))));
        assert!(matches!(patience.clone().lasts(), Err(DbError::Unavailable(_))));
        patience.hears();
        assert!(patience.lasts().is_ok());
    }

    #[test]
    fn after_its_rest_one_tries_and_the_others_wait_for_what_becomes_of_it() {
        let (mut seen, began) = (Seen::default(), Instant::now());
        let mut now = began + FIRST_ANSWER;
        seen.ends(began, now);
        for rest_s in [1, 2, 4, 8, 8] {
            let rest = SECOND * rest_s;
            assert!(!seen.lets(now + rest - Duration::from_millis(1)), "{rest_s} s");
            now += rest;
            assert!(seen.lets(now), "one, after {rest_s} s");
            assert!(
                !seen.lets(now) && !seen.lets(now + FIRST_ANSWER - Duration::from_millis(1)),
                "and no other"
            );
            seen.ends(now, now + FIRST_ANSWER);
            now += FIRST_ANSWER;
        }
        seen.hears(now);
        assert!(seen.lets(now) && seen.lets(now), "an answer ends it for all");
    }

    #[test]
    fn who_tries_and_is_never_heard_of_again_keeps_nobody_out_for_long() {
        let (mut seen, began) = (Seen::default(), Instant::now());
        seen.ends(began, began + FIRST_ANSWER);
        let tried_at = began + FIRST_ANSWER + REST;
        assert!(seen.lets(tried_at) && seen.lets(tried_at + FIRST_ANSWER));
    }

    #[test]
    fn all_who_waited_in_vain_at_once_are_one_silence() {
        let (mut seen, began) = (Seen::default(), Instant::now());
        for n in 0..5 {
            seen.ends(began + SECOND * n, began + FIRST_ANSWER + SECOND * n / 10);
        }
        assert!(seen.lets(began + FIRST_ANSWER + REST));
    }

    #[test]
    fn who_answers_others_meanwhile_is_not_silent() {
        let (mut seen, began) = (Seen::default(), Instant::now());
        seen.hears(began + SECOND);
        seen.ends(began, began + FIRST_ANSWER);
        assert!(seen.lets(began + FIRST_ANSWER));
    }
}

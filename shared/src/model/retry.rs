//! What a failed attempt means and when to try again.
//!
//! The dispatcher classes an answer, asks [`RetryPolicy::after`] and writes what it says. Randomness and time are arguments.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::state::Failure;

/// The longest `Retry-After` that is obeyed; beyond it the platform is asked again anyway.
pub const LONGEST_RETRY_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Tries on our own account (network of ours, a lost lease) before an attempt counts as failed.
pub const INFRASTRUCTURE_BUDGET: u32 = 5;

/// How often a task is tried and how long to wait between tries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts in all, the first included: 1 to 20. Throttled tries and our own failures use up none.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 20, default = 1)]
    pub max_attempts: u32,
    /// Longest wait before the second attempt, in seconds: 1 to 86,400. The wait is drawn evenly from nothing to this.
    #[serde(default = "default_backoff")]
    #[schema(minimum = 1, maximum = 86400, default = 30)]
    pub backoff_s: u32,
    /// What the longest wait is multiplied by after each attempt: 1 to 10.
    #[serde(default = "two")]
    #[schema(minimum = 1, maximum = 10, default = 2)]
    pub backoff_factor: f64,
    /// The longest wait ever, in seconds: 1 to 86,400.
    #[serde(default = "default_backoff_max")]
    #[schema(minimum = 1, maximum = 86400, default = 3600)]
    pub backoff_max_s: u32,
}

const fn one() -> u32 {
    1
}
const fn two() -> f64 {
    2.0
}
const fn default_backoff() -> u32 {
    30
}
const fn default_backoff_max() -> u32 {
    3600
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 1, backoff_s: 30, backoff_factor: 2.0, backoff_max_s: 3600 }
    }
}

/// What happened before the question "again?".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// How the last try failed.
    pub failure: Failure,
    /// Attempts used up so far, the failed one included: at least 1.
    pub attempts: u32,
    /// Tries in a row that used up no attempt (throttled, or a fault of ours): at least 1 for such a failure.
    pub free_tries: u32,
    /// The platform's `Retry-After`, if it sent one.
    pub retry_after: Option<SignedDuration>,
    /// Whether the secret was read again since the platform last refused it.
    pub secret_read_again: bool,
}

impl Tried {
    /// A first attempt that failed.
    #[must_use]
    pub const fn first(failure: Failure) -> Self {
        Self { failure, attempts: 1, free_tries: 1, retry_after: None, secret_read_again: false }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Try again at an instant.
    Retry {
        /// No earlier than this.
        at: Timestamp,
        /// Whether it makes a new attempt (and uses one up), or repeats the same one.
        uses_attempt: bool,
    },
    /// No more: the task fails.
    Fail,
}

impl RetryPolicy {
    /// Decides whether and when to try again. `dice` is evenly drawn from [0, 1).
    #[must_use]
    pub fn after(&self, tried: Tried, now: Timestamp, dice: f64) -> Again {
        let at = |wait: SignedDuration| now.checked_add(wait).unwrap_or(Timestamp::MAX);
        match tried.failure {
            Failure::Permanent | Failure::UserCancelled => Again::Fail,
            Failure::Auth if tried.secret_read_again => Again::Fail,
            Failure::Auth => Again::Retry { at: now, uses_attempt: false },
            Failure::Throttled => {
                let wait = tried.retry_after.map_or_else(|| self.backoff(tried.free_tries, dice), obeyed);
                Again::Retry { at: at(wait), uses_attempt: false }
            }
            Failure::Infrastructure if tried.free_tries <= INFRASTRUCTURE_BUDGET => {
                Again::Retry { at: at(self.backoff(tried.free_tries, dice)), uses_attempt: false }
            }
            Failure::Transient | Failure::Infrastructure if tried.attempts < self.max_attempts => {
                let asked = tried.retry_after.map_or(SignedDuration::ZERO, obeyed);
                Again::Retry { at: at(self.backoff(tried.attempts, dice).max(asked)), uses_attempt: true }
            }
            Failure::Transient | Failure::Infrastructure => Again::Fail,
        }
    }

    /// The wait after the `n`th try (from 1), with full jitter: evenly drawn between nothing and the exponential bound.
    #[must_use]
    pub fn backoff(&self, n: u32, dice: f64) -> SignedDuration {
        let exponent = i32::try_from(n.saturating_sub(1).min(64)).unwrap_or(64);
        let bound = (f64::from(self.backoff_s) * self.backoff_factor.max(1.0).powi(exponent))
            .min(f64::from(self.backoff_max_s));
        SignedDuration::from_secs_f64(bound * dice.clamp(0.0, 1.0))
    }
}

/// A `Retry-After` within reason: never negative, never past the cap.
fn obeyed(asked: SignedDuration) -> SignedDuration {
    asked.clamp(SignedDuration::ZERO, LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn policy(max_attempts: u32) -> RetryPolicy {
        RetryPolicy { max_attempts, ..RetryPolicy::default() }
    }

    fn wait(again: Again) -> SignedDuration {
        match again {
            Again::Retry { at, .. } => at.duration_since(NOW),
            Again::Fail => panic!("no retry"),
        }
    }

    #[test]
    fn what_will_fail_again_is_not_tried_again() {
        for failure in [Failure::Permanent, Failure::UserCancelled] {
            assert_eq!(policy(20).after(Tried::first(failure), NOW, 0.5), Again::Fail);
        }
    }

    #[test]
    fn a_refused_secret_is_read_again_once() {
        let first = Tried::first(Failure::Auth);
        assert_eq!(policy(5).after(first, NOW, 0.5), Again::Retry { at: NOW, uses_attempt: false });
        let second = Tried { secret_read_again: true, ..first };
        assert_eq!(policy(5).after(second, NOW, 0.5), Again::Fail);
    }

    #[test]
    fn a_transient_failure_uses_up_an_attempt_until_there_is_none() {
        let tried = |attempts| Tried { attempts, ..Tried::first(Failure::Transient) };
        let again = policy(3).after(tried(2), NOW, 0.5);
        assert!(matches!(again, Again::Retry { uses_attempt: true, .. }));
        assert_eq!(wait(again), SignedDuration::from_secs(30));
        assert_eq!(policy(3).after(tried(3), NOW, 0.5), Again::Fail);
        assert_eq!(RetryPolicy::default().after(tried(1), NOW, 0.5), Again::Fail);
    }

    #[test]
    fn a_throttled_try_uses_up_none_and_waits_as_told_within_reason() {
        let told = |seconds| Tried {
            retry_after: Some(SignedDuration::from_secs(seconds)),
            free_tries: 1000,
            attempts: 20,
            ..Tried::first(Failure::Throttled)
        };
        for (asked, obeyed) in [(42, 42), (0, 0), (-5, 0), (86_400, 900)] {
            let again = policy(1).after(told(asked), NOW, 0.9);
            assert!(matches!(again, Again::Retry { uses_attempt: false, .. }));
            assert_eq!(wait(again), SignedDuration::from_secs(obeyed));
        }
    }

    #[test]
    fn our_own_faults_have_their_own_budget() {
        let tried = |free_tries| Tried { free_tries, ..Tried::first(Failure::Infrastructure) };
        assert!(matches!(policy(1).after(tried(5), NOW, 0.5), Again::Retry { uses_attempt: false, .. }));
        assert_eq!(policy(1).after(tried(6), NOW, 0.5), Again::Fail);
        assert!(matches!(policy(2).after(tried(6), NOW, 0.5), Again::Retry { uses_attempt: true, .. }));
    }

    proptest! {
        #[test]
        fn a_backoff_is_never_negative_nor_past_its_bounds(
            n in 0..u32::MAX, dice in 0.0..1.0_f64, backoff_s in 1..86_400_u32, factor in 1.0..10.0_f64, most in 1..86_400_u32,
        ) {
            let policy = RetryPolicy { max_attempts: 1, backoff_s, backoff_factor: factor, backoff_max_s: most };
            let wait = policy.backoff(n, dice);
            prop_assert!(wait >= SignedDuration::ZERO && wait <= SignedDuration::from_secs(most.into()));
            if n <= 1 {
                prop_assert!(wait <= SignedDuration::from_secs(backoff_s.into()));
            }
        }
    }
}

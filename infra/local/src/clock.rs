//! The runner's clock: real time plus an offset that tests move.
//!
//! Ticks, queue delays and visibility timeouts take their time from here, so a test that shifts it by an hour
//! sees them fall due at once: sleepers wake up and look again. Function timeouts and long-poll waits stay on
//! real time, since a shifted clock must not kill a healthy function. Nothing else in this crate reads the time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

/// A clock shared by everything that has a schedule. Clones show the same shifted time.
#[derive(Clone, Debug)]
pub struct Clock {
    shift_ms: watch::Sender<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { shift_ms: watch::Sender::new(0) }
    }
}

impl Clock {
    /// A clock that shows real time until it is shifted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shifted time, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        real_now().as_millisecond() + *self.shift_ms.borrow()
    }

    /// Shifted time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap_or(Timestamp::MAX)
    }

    /// The offset in force.
    pub fn shift(&self) -> SignedDuration {
        SignedDuration::from_millis(*self.shift_ms.borrow())
    }

    /// Moves the clock by `step` (forward when positive) and wakes every sleeper to look again.
    pub fn shift_by(&self, step: SignedDuration) {
        let step_ms = i64::try_from(step.as_millis()).unwrap_or(0);
        self.shift_ms.send_modify(|shift_ms| *shift_ms = shift_ms.saturating_add(step_ms));
    }

    /// Returns once shifted time has reached `at_ms`.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut shifts = self.shift_ms.subscribe();
        loop {
            let left_ms = at_ms - self.now_ms();
            if left_ms <= 0 {
                return;
            }
            let nap = tokio::time::sleep(Duration::from_millis(left_ms.unsigned_abs()));
            tokio::select! {
                () = nap => {}
                _ = shifts.changed() => {}
            }
        }
    }
}

/// Real time: for deadlines that functions compare with their own clock.
#[expect(clippy::disallowed_methods, reason = "the one place in this crate where real time is read")]
pub fn real_now() -> Timestamp {
    Timestamp::now()
}

/// A random id: request ids, message ids, receipt handles.
#[expect(clippy::disallowed_methods, reason = "ids of the local cloud are random, as AWS's are")]
pub fn random_id() -> Uuid {
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_shifted_past_its_hour() {
        let clock = Clock::new();
        let at_ms = clock.now_ms() + 3_600_000;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at_ms).await }
        });
        clock.shift_by(SignedDuration::from_mins(30));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.shift_by(SignedDuration::from_mins(30));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }
}

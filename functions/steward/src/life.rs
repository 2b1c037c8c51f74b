//! How long an invocation lives, and what follows from it: until when something long may be begun, and when it is cut off. What is
//! cut off here is recorded with its cause; what the platform kills leaves none.

use std::time::{Duration, Instant};

/// An invocation's time, from when it was known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    begun: Instant,
    whole: Duration,
}

impl Life {
    /// What the template gives the steward.
    const USUAL: Duration = Duration::from_secs(300);

    /// One that has so long.
    pub(crate) fn of(whole: Duration) -> Self {
        Self { begun: Instant::now(), whole }
    }

    /// One that nobody told how long it has.
    pub(crate) fn usual() -> Self {
        Self::of(Self::USUAL)
    }

    /// Whether something long may still be begun: nearly half of the time is left for it.
    pub(crate) fn is_young(&self) -> bool {
        self.begun.elapsed() < self.whole / 2
    }

    /// When whatever is under way is cut off: time is left to record that.
    pub(crate) fn end(&self) -> Instant {
        self.begun + self.whole * 19 / 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_has_nearly_half_of_the_time_and_its_end_is_recorded() {
        let life = Life::usual();
        assert!(life.is_young());
        assert_eq!(life.end() - life.begun, Duration::from_secs(285));
        assert!(!Life::of(Duration::ZERO).is_young());
    }
}

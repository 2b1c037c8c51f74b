//! Time and fresh ids, as an argument. Each function makes one [`Clock`] at start and passes it down; nothing else in the
//! product reads the ambient clock. Leases, slots and schedules use database time (`system.now()`), not this.

use jiff::Timestamp;
use uuid::Uuid;

/// The process's clock and source of ids.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    fixed: Option<Timestamp>,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still: for the boundary tests of token lifetimes.
    pub const fn fixed(at: Timestamp) -> Self {
        Self { fixed: Some(at) }
    }

    /// This instant.
    #[expect(clippy::disallowed_methods, reason = "the one place where the ambient clock is read")]
    pub fn now(&self) -> Timestamp {
        self.fixed.unwrap_or_else(Timestamp::now)
    }

    /// A fresh id, ordered by time within a process.
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        T::from(Uuid::now_v7())
    }
}

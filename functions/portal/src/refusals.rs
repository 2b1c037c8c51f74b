//! Lines about tokens that are not believed: as many a second as a person can read, and how many there were beside them. A flood
//! of bad tokens costs their signatures and nothing more: no token of a workspace's bucket, no statement, no line each.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Lines a second in one instance.
const A_SECOND: u32 = 10;

/// Refusals of this second.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<(i64, u32)>);

impl Refusals {
    /// Whether this one may have its line.
    pub(crate) fn may_be_logged(&self, now: Timestamp) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, count) = &mut *held;
        if *second != now.as_second() {
            let unsaid = count.saturating_sub(A_SECOND);
            if unsaid > 0 {
                tracing::warn!(unsaid, "more requests were refused in a second than are logged");
            }
            (*second, *count) = (now.as_second(), 0);
        }
        *count = count.saturating_add(1);
        *count <= A_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_ten_lines_a_second() {
        let refusals = Refusals::default();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let lines = (0..1000).filter(|_| refusals.may_be_logged(at(0))).count();
        assert_eq!(lines, 10);
        assert!(refusals.may_be_logged(at(1)), "the next second has its own");
    }
}

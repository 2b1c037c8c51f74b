//! What goes wrong on a queue, on request.

use serde::{Deserialize, Serialize};

/// What goes wrong on a queue, for the fault tests. Zero (the default) is a healthy queue. Rates are per mille of
/// the messages sent, drawn from a generator that `seed` makes repeatable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The next n messages are accepted and lost.
    pub drop_next: u32,
    /// The next n messages are stored twice.
    pub duplicate_next: u32,
    /// Share of messages accepted and lost.
    pub drop_per_mille: u32,
    /// Share of messages stored twice.
    pub duplicate_per_mille: u32,
    /// Share of messages that go in front of those already waiting.
    pub reorder_per_mille: u32,
    /// Every call answers 503 until this is false again, and no function is fed.
    pub outage: bool,
    /// Seed of the draws.
    pub seed: u64,
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) copies: u32,
    pub(super) first: bool,
}

impl Faults {
    pub(super) fn fate(&mut self) -> Fate {
        let lost = take(&mut self.drop_next) || self.draw(self.drop_per_mille);
        let doubled = take(&mut self.duplicate_next) || self.draw(self.duplicate_per_mille);
        let first = self.draw(self.reorder_per_mille);
        let copies = if lost { 0 } else { 1 + u32::from(doubled) };
        Fate { copies, first }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): small, and repeatable on every machine.
    fn draw(&mut self, per_mille: u32) -> bool {
        if per_mille == 0 {
            return false;
        }
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 1000 < u64::from(per_mille)
    }
}

fn take(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_met_and_the_same_seed_draws_the_same() {
        let draw = || {
            let mut faults = Faults { drop_per_mille: 300, seed: 7, ..Faults::default() };
            (0..1000).map(|_| faults.fate().copies).collect::<Vec<_>>()
        };
        let lost = draw().iter().filter(|copies| **copies == 0).count();
        assert!((250..350).contains(&lost), "{lost} of 1000 lost");
        assert_eq!(draw(), draw());
    }
}

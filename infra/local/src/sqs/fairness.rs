//! Whose message is next.
//!
//! AWS "Amazon SQS fair queues": in a standard queue whose messages bear a group, a group with much in flight waits
//! behind quiet ones. Here the next message is of the group with the least in flight, and among equals of the one
//! that was served longest ago. AWS documents the effect, not an order, so tests must not count on positions.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Groups {
    by_name: HashMap<Arc<str>, Group>,
    /// Groups with something ready: (in flight, turn of the last delivery, name).
    order: BTreeSet<(usize, u64, Arc<str>)>,
    turn: u64,
}

#[derive(Debug, Default)]
struct Group {
    ready: VecDeque<u64>,
    in_flight: usize,
    served: u64,
}

impl Groups {
    pub(super) fn push_back(&mut self, group: &Arc<str>, number: u64) {
        self.change(group, |group| group.ready.push_back(number));
    }

    pub(super) fn push_front(&mut self, group: &Arc<str>, number: u64) {
        self.change(group, |group| group.ready.push_front(number));
    }

    /// The next ready message. Whoever delivers it calls [`Groups::start`].
    pub(super) fn pop(&mut self) -> Option<u64> {
        let (_, _, name) = self.order.first()?.clone();
        let mut number = None;
        self.change(&name, |group| number = group.ready.pop_front());
        number
    }

    /// One more of this group is in flight, and it has had its turn.
    pub(super) fn start(&mut self, group: &Arc<str>) {
        self.turn += 1;
        let turn = self.turn;
        self.change(group, |group| {
            group.in_flight += 1;
            group.served = turn;
        });
    }

    /// One less of this group is in flight.
    pub(super) fn finish(&mut self, group: &Arc<str>) {
        self.change(group, |group| group.in_flight = group.in_flight.saturating_sub(1));
    }

    fn change(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Group)) {
        let group = self.by_name.entry(name.clone()).or_default();
        self.order.remove(&(group.in_flight, group.served, name.clone()));
        change(group);
        if !group.ready.is_empty() {
            self.order.insert((group.in_flight, group.served, name.clone()));
        } else if group.in_flight == 0 {
            self.by_name.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_group_is_served_next_however_long_the_noisy_one_has_queued() {
        let (noisy, quiet): (Arc<str>, Arc<str>) = ("noisy".into(), "quiet".into());
        let mut groups = Groups::default();
        for number in 0..1000 {
            groups.push_back(&noisy, number);
        }
        for _ in 0..30 {
            groups.pop().unwrap();
            groups.start(&noisy);
        }
        groups.push_back(&quiet, 5000);
        assert_eq!(groups.pop(), Some(5000));
    }

    #[test]
    fn equal_groups_take_turns() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut groups = Groups::default();
        for number in 0..4 {
            groups.push_back(if number < 2 { &a } else { &b }, number);
        }
        let mut served = Vec::new();
        while let Some(number) = groups.pop() {
            groups.start(if number < 2 { &a } else { &b });
            served.push(number < 2);
        }
        assert_eq!(served, [true, false, true, false]);
    }
}

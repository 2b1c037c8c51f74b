//! The messages of one queue and where each stands: delayed, ready or hidden. No waiting and no clock here.

use std::collections::{BTreeSet, HashMap};

use super::fairness::Groups;
use super::faults::Faults;
use super::message::{Delivery, Message, Receipt};
use super::{QueueStats, SqsError};
use crate::clock::random_id;

/// What lies on the shelf.
#[derive(Debug)]
pub(super) struct Shelf {
    incarnation: u64,
    next: u64,
    messages: HashMap<u64, (Message, Place)>,
    ready: Groups,
    /// Delayed and hidden messages by the time they come forward.
    later: BTreeSet<(i64, u64)>,
    counts: QueueStats,
    pub(super) faults: Faults,
}

/// Where a message stands; times are the runner's, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ready,
    Delayed { until_ms: i64 },
    Hidden { until_ms: i64 },
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self {
            incarnation: random_id().as_u64_pair().0,
            next: 0,
            messages: HashMap::new(),
            ready: Groups::default(),
            later: BTreeSet::new(),
            counts: QueueStats::default(),
            faults: Faults::default(),
        }
    }

    /// Puts a message on the shelf as often as the faults in force say.
    pub(super) fn send(&mut self, message: Message, now_ms: i64, visible_ms: i64) {
        let fate = self.faults.fate();
        self.counts.sent += 1;
        match fate.copies {
            0 => self.counts.dropped += 1,
            1 => {}
            _ => self.counts.duplicated += 1,
        }
        for _ in 0..fate.copies {
            self.put(message.clone(), now_ms, visible_ms, fate.first);
        }
    }

    /// Puts a message on the shelf once, as a move between queues does.
    pub(super) fn put(&mut self, message: Message, now_ms: i64, visible_ms: i64, first: bool) {
        let number = self.next;
        self.next += 1;
        let place = if visible_ms > now_ms {
            self.later.insert((visible_ms, number));
            self.counts.delayed += 1;
            Place::Delayed { until_ms: visible_ms }
        } else {
            self.counts.visible += 1;
            if first {
                self.ready.push_front(&message.group, number);
            } else {
                self.ready.push_back(&message.group, number);
            }
            Place::Ready
        };
        self.messages.insert(number, (message, place));
    }

    /// Brings forward what is due. Returns the messages that were received `most` times already and still not deleted.
    pub(super) fn advance(&mut self, now_ms: i64, most: Option<u32>) -> Vec<Message> {
        let mut dead = Vec::new();
        while let Some(&(until_ms, number)) = self.later.first() {
            if until_ms > now_ms {
                break;
            }
            self.later.pop_first();
            let Some((message, place)) = self.messages.get_mut(&number) else { continue };
            if let Place::Hidden { .. } = place {
                self.counts.in_flight -= 1;
                self.ready.finish(&message.group);
            } else {
                self.counts.delayed -= 1;
            }
            if most.is_some_and(|most| message.receive_count >= most) {
                self.counts.dead += 1;
                dead.extend(self.messages.remove(&number).map(|(message, _)| message));
            } else {
                *place = Place::Ready;
                self.counts.visible += 1;
                self.ready.push_back(&message.group, number);
            }
        }
        dead
    }

    /// Takes up to `most` ready messages and hides them.
    pub(super) fn receive(&mut self, most: usize, now_ms: i64, visible_ms: i64) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while deliveries.len() < most {
            let Some(number) = self.ready.pop() else { break };
            // Deleted while ready: its number stayed behind.
            let Some((message, place)) = self.messages.get_mut(&number) else { continue };
            *place = Place::Hidden { until_ms: visible_ms };
            self.later.insert((visible_ms, number));
            self.ready.start(&message.group);
            message.receive_count += 1;
            if message.receive_count == 1 {
                message.first_received_ms = now_ms;
            }
            self.counts.visible -= 1;
            self.counts.in_flight += 1;
            self.counts.received += 1;
            let receipt =
                Receipt { incarnation: self.incarnation, number, receive_count: message.receive_count };
            deliveries.push(message.deliver(receipt));
        }
        deliveries
    }

    /// Deletes a message. One that is gone, or was received again since, is left alone without an error, as AWS does.
    pub(super) fn delete(&mut self, handle: &str) -> Result<(), SqsError> {
        let receipt = self.parse(handle)?;
        let fresh = |(message, _): &(Message, Place)| message.receive_count == receipt.receive_count;
        if !self.messages.get(&receipt.number).is_some_and(fresh) {
            return Ok(());
        }
        let Some((message, place)) = self.messages.remove(&receipt.number) else { return Ok(()) };
        self.counts.deleted += 1;
        match place {
            Place::Ready => self.counts.visible -= 1,
            Place::Delayed { until_ms } => {
                self.later.remove(&(until_ms, receipt.number));
                self.counts.delayed -= 1;
            }
            Place::Hidden { until_ms } => {
                self.later.remove(&(until_ms, receipt.number));
                self.counts.in_flight -= 1;
                self.ready.finish(&message.group);
            }
        }
        Ok(())
    }

    /// Changes when a hidden message comes back; at once, when that time is not in the future.
    pub(super) fn hide_until(&mut self, handle: &str, visible_ms: i64) -> Result<(), SqsError> {
        let receipt = self.parse(handle)?;
        let (message, place) = self.messages.get_mut(&receipt.number).ok_or(SqsError::MessageNotInflight)?;
        match *place {
            Place::Hidden { until_ms } if message.receive_count == receipt.receive_count => {
                self.later.remove(&(until_ms, receipt.number));
                self.later.insert((visible_ms, receipt.number));
                *place = Place::Hidden { until_ms: visible_ms };
                Ok(())
            }
            _ => Err(SqsError::MessageNotInflight),
        }
    }

    /// Takes everything away, what is in flight too.
    pub(super) fn take_all(&mut self) -> Vec<Message> {
        self.ready = Groups::default();
        self.later.clear();
        (self.counts.visible, self.counts.in_flight, self.counts.delayed) = (0, 0, 0);
        let mut messages: Vec<_> = std::mem::take(&mut self.messages).into_iter().collect();
        messages.sort_unstable_by_key(|(number, _)| *number);
        messages.into_iter().map(|(_, (message, _))| message).collect()
    }

    /// When the next delayed or hidden message comes forward.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.later.first().map(|(until_ms, _)| *until_ms)
    }

    pub(super) fn stats(&self) -> QueueStats {
        self.counts.clone()
    }

    fn parse(&self, handle: &str) -> Result<Receipt, SqsError> {
        let receipt = Receipt::parse(handle)?;
        if receipt.incarnation == self.incarnation {
            Ok(receipt)
        } else {
            Err(SqsError::ReceiptHandleIsInvalid)
        }
    }
}

//! SQS on one machine (being written).

use std::time::Duration;

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
    /// Every call answers 503 until this is false again.
    pub outage: bool,
    /// Seed of the draws.
    pub seed: u64,
}

/// Counts of one queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStats {
    /// Messages that can be received now.
    pub visible: usize,
    /// Messages received and not yet deleted.
    pub in_flight: usize,
    /// Messages whose delay is not over.
    pub delayed: usize,
    /// Since the start: messages accepted.
    pub sent: u64,
    /// Since the start: deliveries.
    pub received: u64,
    /// Since the start: messages deleted by a consumer.
    pub deleted: u64,
    /// Since the start: messages moved to the dead-letter queue.
    pub dead: u64,
    /// Since the start: messages lost by [`Faults`].
    pub dropped: u64,
    /// Since the start: messages doubled by [`Faults`].
    pub duplicated: u64,
}

/// One SQS queue.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// Name, as in `work`.
    pub name: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// The name of the dead-letter queue and how often a message is received before it goes there.
    pub redrive: Option<(String, u32)>,
}

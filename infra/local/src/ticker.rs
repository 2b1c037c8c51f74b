//! Ticks (being written).

use std::time::Duration;

/// A schedule that sends an EventBridge event to a function.
#[derive(Clone, Debug)]
pub struct TickSettings {
    /// The function's name.
    pub function: String,
    /// The period; ticks fall on its multiples (each minute, on the minute).
    pub every: Duration,
}

//! Event sources (being written).

/// A queue that feeds a function.
#[derive(Clone, Debug)]
pub struct EventSourceSettings {
    /// The queue's name.
    pub queue: String,
    /// The function's name.
    pub function: String,
    /// Most records in one event (AWS's default: 10).
    pub batch_size: usize,
    /// How many batches are worked side by side.
    pub concurrency: usize,
}

//! Lambda's SQS event source mapping: takes batches from a queue, gives them to a function, deletes what succeeded.
//!
//! The cloud runs one task per mapping. A batch goes off as soon as it has one message (window 0), up to
//! `concurrency` at a time; what arrives meanwhile makes the next batch larger. What failed is left to the queue's
//! visibility timeout, as Lambda leaves it; this module never makes a message visible early and never sends to the
//! dead-letter queue itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::lambda::{Functions, MAX_PAYLOAD_BYTES};
use crate::sqs::{Delivery, Queue};

mod answer;
mod record;

/// Lambda's pollers wait as long as SQS lets them.
const LONG_POLL: Duration = Duration::from_secs(20);
const OUTAGE_PAUSE: Duration = Duration::from_millis(200);

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

/// One mapping.
pub(crate) struct EventSource {
    pub(crate) queue: Arc<Queue>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) region: String,
    pub(crate) settings: EventSourceSettings,
}

impl EventSource {
    /// Feeds the function until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.settings.concurrency.max(1)));
        let mut paused = self.queue.paused();
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            if paused.wait_for(|paused| !paused).await.is_err() {
                return;
            }
            let batch = tokio::select! {
                batch = self.queue.receive(self.settings.batch_size, LONG_POLL, None) => batch,
                _ = paused.wait_for(|paused| *paused) => continue,
            };
            match batch {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => {
                    let source = self.clone();
                    tokio::spawn(async move {
                        source.work(batch).await;
                        drop(slot);
                    });
                }
                Err(_) => tokio::time::sleep(OUTAGE_PAUSE).await,
            }
        }
    }

    /// A batch that makes too large an event goes in parts.
    async fn work(&self, batch: Vec<Delivery>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let event = record::event(&part, self.queue.arn(), &self.region);
            if event.len() > MAX_PAYLOAD_BYTES && part.len() > 1 {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
                continue;
            }
            if let Ok(answer) = self.functions.invoke(&self.settings.function, event).await {
                self.settle(&part, &answer);
            }
        }
    }

    fn settle(&self, part: &[Delivery], answer: &[u8]) {
        let Some(failed) = answer::failures(part, answer) else {
            let (function, queue) = (&self.settings.function, self.queue.name());
            tracing::warn!(function, queue, "the answer to a batch names no known message: the batch failed");
            return;
        };
        for delivery in part.iter().filter(|delivery| !failed.contains(&delivery.id)) {
            if let Err(error) = self.queue.delete(&delivery.receipt) {
                tracing::warn!(queue = self.queue.name(), %error, "a message could not be deleted");
            }
        }
    }
}

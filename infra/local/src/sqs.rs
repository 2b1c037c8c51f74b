//! SQS on one machine: standard queues in memory, over the JSON protocol the AWS SDK speaks and in-process.
//!
//! Functions reach it through the AWS SDK ([`answer`]); event sources, the control API and tests call [`Queues`] and
//! [`Queue`] directly. Delays and visibility follow the runner's clock. Like a standard queue it promises neither order
//! nor single delivery, and [`Faults`] makes it break its other promises too. It keeps nothing across a restart: the
//! rows in Postgres are the truth.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;

mod attributes;
mod error;
mod fairness;
mod faults;
mod message;
mod protocol;
mod queue;
mod shelf;

pub use attributes::Attributes;
pub use error::SqsError;
pub use faults::Faults;
pub use message::{Delivery, Draft};
pub use protocol::answer;
pub use queue::Queue;

/// Largest message, attributes included, and largest batch (AWS "Amazon SQS message quotas": 1 MiB).
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Most messages in one batch or one receive (AWS "Amazon SQS message quotas").
pub const MAX_BATCH: usize = 10;

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

/// Every queue of the cloud, by name.
pub struct Queues {
    region: String,
    account: String,
    endpoint_url: String,
    clock: Clock,
    by_name: RwLock<BTreeMap<String, Arc<Queue>>>,
}

impl Queues {
    /// No queues yet.
    pub fn new(region: String, account: String, endpoint_url: String, clock: Clock) -> Self {
        Self { region, account, endpoint_url, clock, by_name: RwLock::default() }
    }

    /// Makes a queue, or gives an existing one these attributes. The dead-letter queue must exist.
    pub fn create(&self, name: &str, attributes: Attributes) -> Result<Arc<Queue>, SqsError> {
        if name.is_empty()
            || name.len() > 80
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return Err(SqsError::InvalidParameter(
                "a queue name is 1 to 80 letters, digits, - and _".into(),
            ));
        }
        let dead_letters = match &attributes.redrive {
            Some((name, _)) => Some(self.get(name)?),
            None => None,
        };
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let queue = by_name
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Queue::new(name, self.arn(name), self.clock.clone())))
            .clone();
        queue.configure(attributes, dead_letters.as_ref());
        Ok(queue)
    }

    /// A queue by name.
    pub fn get(&self, name: &str) -> Result<Arc<Queue>, SqsError> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).cloned().ok_or(SqsError::QueueDoesNotExist)
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, Arc<Queue>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The URL under which the SDK names a queue.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.endpoint_url, self.account)
    }

    /// The region that ARNs name.
    pub fn region(&self) -> &str {
        &self.region
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account)
    }

    /// Of a URL or an ARN, the queue at its end.
    fn by_url(&self, url: &str) -> Result<Arc<Queue>, SqsError> {
        self.get(url.rsplit('/').next().unwrap_or_default())
    }

    fn by_arn(&self, arn: &str) -> Result<Arc<Queue>, SqsError> {
        self.get(arn.rsplit(':').next().unwrap_or_default())
    }
}

//! The queue that wakes the steward. A message names a kind of work and nothing else: what there is to do stands in the
//! database, so anybody who could write here could at most wake it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::BoxError;

/// What the steward is asked to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Spare workspaces have run out.
    Refill,
    /// An operation on a workspace is due.
    Operate,
}

/// The sending side.
#[derive(Clone)]
pub struct StewardQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// Messages are not delayed longer: SQS holds them for 15 minutes at most.
const MAX_DELAY: Duration = Duration::from_secs(900);

impl StewardQueue {
    /// The queue at a URL.
    pub fn new(aws: &aws_config::SdkConfig, url: &str) -> Self {
        Self { client: aws_sdk_sqs::Client::new(aws), url: url.to_owned() }
    }

    /// Wakes the steward after a while. A message that is lost costs patience only: the steward looks on its own tick too.
    pub async fn call(&self, call: Call, after: Duration) {
        if let Err(error) = self.try_call(call, after).await {
            tracing::warn!(error = &*error as &dyn std::error::Error, "the steward was not woken");
        }
    }

    async fn try_call(&self, call: Call, after: Duration) -> Result<(), BoxError> {
        let body = serde_json::to_string(&call)?;
        let delay_s = i32::try_from(after.min(MAX_DELAY).as_secs())?;
        let message = self.client.send_message().queue_url(&self.url).message_body(body);
        message.delay_seconds(delay_s).send().await?;
        Ok(())
    }
}

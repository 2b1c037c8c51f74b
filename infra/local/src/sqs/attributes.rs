//! A queue's attributes, as `CreateQueue` and `SetQueueAttributes` spell them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{QueueSettings, SqsError};

/// What a queue is set to. Defaults are AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// `VisibilityTimeout`.
    pub visibility_seconds: u32,
    /// `DelaySeconds`.
    pub delay_seconds: u32,
    /// `ReceiveMessageWaitTimeSeconds`.
    pub wait_seconds: u32,
    /// The dead-letter queue's name and `maxReceiveCount`.
    pub redrive: Option<(String, u32)>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { visibility_seconds: 30, delay_seconds: 0, wait_seconds: 0, redrive: None }
    }
}

impl From<QueueSettings> for Attributes {
    fn from(settings: QueueSettings) -> Self {
        let visibility_seconds = u32::try_from(settings.visibility_timeout.as_secs()).unwrap_or(u32::MAX);
        Self { visibility_seconds, redrive: settings.redrive, ..Self::default() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Value,
}

impl Attributes {
    /// Changes what `pairs` names. Attributes that mean nothing on one machine are accepted and forgotten.
    pub(super) fn set(&mut self, pairs: &BTreeMap<String, String>) -> Result<(), SqsError> {
        for (name, value) in pairs {
            match name.as_str() {
                "VisibilityTimeout" => self.visibility_seconds = number(name, value, 43_200)?,
                "DelaySeconds" => self.delay_seconds = number(name, value, 900)?,
                "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(name, value, 20)?,
                "RedrivePolicy" => self.redrive = redrive(value)?,
                "MessageRetentionPeriod"
                | "MaximumMessageSize"
                | "Policy"
                | "RedriveAllowPolicy"
                | "SqsManagedSseEnabled"
                | "KmsMasterKeyId"
                | "KmsDataKeyReusePeriodSeconds" => {}
                _ => return Err(SqsError::InvalidAttributeName(name.clone())),
            }
        }
        Ok(())
    }
}

fn number(name: &str, value: &str, most: u32) -> Result<u32, SqsError> {
    let number = value.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| SqsError::InvalidAttributeValue(name.to_owned()))
}

/// An empty policy takes the dead-letter queue away.
fn redrive(value: &str) -> Result<Option<(String, u32)>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let invalid = || SqsError::InvalidAttributeValue("RedrivePolicy".to_owned());
    let policy: RedrivePolicy = serde_json::from_str(value).map_err(|_| invalid())?;
    let count = match &policy.max_receive_count {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    let count = count.filter(|count| (1..=1000).contains(count)).ok_or_else(invalid)?;
    let name = policy.dead_letter_target_arn.rsplit(':').next().unwrap_or_default();
    Ok(Some((name.to_owned(), count)))
}

//! EventBridge's part: sends a scheduled event to a function on each multiple of a period.
//!
//! The cloud runs one task per schedule, on the runner's clock: shifted forward by an hour, it ticks once, as a clock
//! that jumped would. A tick that fails is not repeated (EventBridge would repeat it twice): the next one does the same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use crate::clock::{Clock, random_id};
use crate::lambda::Functions;

/// A schedule that sends an EventBridge event to a function.
#[derive(Clone, Debug)]
pub struct TickSettings {
    /// The function's name.
    pub function: String,
    /// The period; ticks fall on its multiples (each minute, on the minute).
    pub every: Duration,
    /// What the rule sends in place of the scheduled event (a target's `Input`), if anything.
    pub input: Option<String>,
}

/// One schedule.
pub(crate) struct Ticker {
    pub(crate) functions: Arc<Functions>,
    pub(crate) clock: Clock,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) settings: TickSettings,
}

impl Ticker {
    /// Ticks until the task is aborted. A tick does not wait for the one before it, as in Lambda.
    pub(crate) async fn run(self) {
        let every_ms = i64::try_from(self.settings.every.as_millis()).unwrap_or(i64::MAX).max(1);
        loop {
            let next_ms = (self.clock.now_ms().div_euclid(every_ms) + 1).saturating_mul(every_ms);
            self.clock.sleep_until(next_ms).await;
            let at = Timestamp::from_millisecond(self.clock.now_ms()).unwrap_or(Timestamp::MAX);
            let event = match &self.settings.input {
                Some(input) => input.clone().into(),
                None => event(&self.settings.function, &self.region, &self.account, at),
            };
            let (functions, function) = (self.functions.clone(), self.settings.function.clone());
            // A failure is logged where it happens.
            tokio::spawn(async move { functions.invoke(&function, event).await });
        }
    }
}

/// AWS "Amazon EventBridge events", example scheduled event; `time` has whole seconds.
pub(crate) fn event(function: &str, region: &str, account: &str, at: Timestamp) -> Bytes {
    let event = json!({
        "version": "0",
        "id": random_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{account}:rule/{function}")],
        "detail": {},
    });
    event.to_string().into()
}

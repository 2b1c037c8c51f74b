//! Calls about queues rather than messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::OfQueue;
use crate::clock::random_id;
use crate::sqs::{Attributes, MAX_MESSAGE_BYTES, Queues, SqsError};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Creating a queue that exists changes it, where AWS insists that the attributes are the same: a stack that starts
/// again with new settings is not an error.
pub(super) fn create(queues: &Queues, request: Create) -> Result<Value, SqsError> {
    let mut attributes = Attributes::default();
    attributes.set(&request.attributes)?;
    let queue = queues.create(&request.queue_name, attributes)?;
    Ok(json!({"QueueUrl": queues.url(queue.name())}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByName {
    queue_name: String,
}

pub(super) fn url(queues: &Queues, request: &ByName) -> Result<Value, SqsError> {
    let queue = queues.get(&request.queue_name)?;
    Ok(json!({"QueueUrl": queues.url(queue.name())}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(default)]
    queue_name_prefix: String,
}

pub(super) fn list(queues: &Queues, request: &List) -> Result<Value, SqsError> {
    let all = queues.all();
    let names = all.keys().filter(|name| name.starts_with(&request.queue_name_prefix));
    Ok(json!({"QueueUrls": names.map(|name| queues.url(name)).collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

pub(super) fn attributes(queues: &Queues, request: &GetAttributes) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    let (set, stats) = (queue.attributes(), queue.stats());
    let mut all = vec![
        ("QueueArn", queue.arn().to_owned()),
        ("ApproximateNumberOfMessages", stats.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", stats.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", stats.delayed.to_string()),
        ("VisibilityTimeout", set.visibility_seconds.to_string()),
        ("DelaySeconds", set.delay_seconds.to_string()),
        ("ReceiveMessageWaitTimeSeconds", set.wait_seconds.to_string()),
        ("MaximumMessageSize", MAX_MESSAGE_BYTES.to_string()),
    ];
    if let Some((name, count)) = set.redrive {
        let arn = queues.get(&name)?.arn().to_owned();
        all.push((
            "RedrivePolicy",
            json!({"deadLetterTargetArn": arn, "maxReceiveCount": count}).to_string(),
        ));
    }
    let asked = &request.attribute_names;
    let wanted =
        all.into_iter().filter(|(name, _)| asked.iter().any(|asked| asked == "All" || asked == name));
    let wanted: Map<_, _> = wanted.map(|(name, value)| (name.to_owned(), value.into())).collect();
    Ok(json!({"Attributes": wanted}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetAttributes {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

pub(super) fn set_attributes(queues: &Queues, request: &SetAttributes) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    let mut attributes = queue.attributes();
    attributes.set(&request.attributes)?;
    queues.create(queue.name(), attributes)?;
    Ok(json!({}))
}

pub(super) fn purge(queues: &Queues, request: &OfQueue) -> Result<Value, SqsError> {
    queues.by_url(&request.queue_url)?.purge();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartMove {
    source_arn: String,
    destination_arn: Option<String>,
}

/// The move is over before the answer: there is no task to list or cancel.
pub(super) fn start_move(queues: &Queues, request: &StartMove) -> Result<Value, SqsError> {
    let source = queues.by_arn(&request.source_arn)?;
    let destination = request.destination_arn.as_deref().map(|arn| queues.by_arn(arn)).transpose()?;
    source.redrive(|died_in| destination.clone().or_else(|| queues.by_arn(died_in?).ok()));
    Ok(json!({"TaskHandle": random_id().simple().to_string()}))
}

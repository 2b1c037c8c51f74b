//! `ReceiveMessage`, `DeleteMessage`, `ChangeMessageVisibility` and their batches.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{batch, seconds};
use crate::sqs::{Delivery, MAX_BATCH, Queues, SqsError};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u32>,
    wait_time_seconds: Option<u32>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

pub(super) async fn receive(queues: &Queues, request: Receive) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    let most = request.max_number_of_messages.unwrap_or(1);
    if !(1..=MAX_BATCH).contains(&most) {
        return Err(SqsError::InvalidParameter("MaxNumberOfMessages must be between 1 and 10.".into()));
    }
    let wait = seconds(request.wait_time_seconds, queue.attributes().wait_seconds, 20, "WaitTimeSeconds")?;
    seconds(request.visibility_timeout, 0, 43_200, "VisibilityTimeout")?;
    let deliveries = queue.receive(most, wait, request.visibility_timeout).await?;
    // The service leaves the list out when it is empty.
    if deliveries.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({"Messages": deliveries.iter().map(|delivery| message(delivery, &request)).collect::<Vec<_>>()}))
}

fn message(delivery: &Delivery, request: &Receive) -> Value {
    let asked: Vec<_> =
        request.attribute_names.iter().chain(&request.message_system_attribute_names).collect();
    let system =
        delivery.system.iter().filter(|(name, _)| asked.iter().any(|asked| *asked == "All" || asked == name));
    let system: Map<_, _> = system.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let wanted = |name: &str| request.message_attribute_names.iter().any(|asked| matches_name(asked, name));
    let attributes = delivery.attributes.iter().filter(|(name, _)| wanted(name));
    let attributes: Map<_, _> = attributes.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut message = json!({
        "MessageId": delivery.id,
        "ReceiptHandle": delivery.receipt,
        "Body": &*delivery.body,
        "MD5OfBody": &*delivery.md5,
    });
    if !system.is_empty() {
        message["Attributes"] = system.into();
    }
    if !attributes.is_empty() {
        message["MessageAttributes"] = attributes.into();
    }
    message
}

/// `All`, `.*`, `prefix.*` or the name itself.
fn matches_name(asked: &str, name: &str) -> bool {
    asked == "All" || asked == name || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    queue_url: String,
    receipt_handle: String,
}

pub(super) fn delete(queues: &Queues, request: &Delete) -> Result<Value, SqsError> {
    queues.by_url(&request.queue_url)?.delete(&request.receipt_handle)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    receipt_handle: String,
    visibility_timeout: Option<u32>,
}

pub(super) fn delete_batch(queues: &Queues, request: Batch) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    batch::each(
        request.entries,
        |entry| entry.id.clone(),
        |entry| queue.delete(&entry.receipt_handle).map(|()| json!({})),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u32,
}

pub(super) fn change_visibility(queues: &Queues, request: &ChangeVisibility) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    queue.change_visibility(&request.receipt_handle, request.visibility_timeout)?;
    Ok(json!({}))
}

pub(super) fn change_visibility_batch(queues: &Queues, request: Batch) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    batch::each(
        request.entries,
        |entry| entry.id.clone(),
        |entry| {
            let missing = || SqsError::InvalidParameter("VisibilityTimeout is missing.".into());
            let visibility_seconds = entry.visibility_timeout.ok_or_else(missing)?;
            queue.change_visibility(&entry.receipt_handle, visibility_seconds).map(|()| json!({}))
        },
    )
}

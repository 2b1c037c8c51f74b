//! `SendMessage`, `SendMessageBatch`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch;
use crate::sqs::{Draft, MAX_MESSAGE_BYTES, Queue, Queues, SqsError};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    queue_url: String,
    #[serde(flatten)]
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_body: String,
    message_group_id: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBatch {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(flatten)]
    message: Message,
}

impl From<Message> for Draft {
    /// A negative delay is refused with the ones that are too long.
    fn from(message: Message) -> Self {
        Self {
            body: message.message_body,
            group: message.message_group_id,
            delay_seconds: message.delay_seconds.map(|delay| u32::try_from(delay).unwrap_or(u32::MAX)),
            attributes: message.message_attributes,
        }
    }
}

pub(super) fn send(queues: &Queues, request: Send) -> Result<Value, SqsError> {
    put(&*queues.by_url(&request.queue_url)?, request.message.into())
}

pub(super) fn send_batch(queues: &Queues, request: SendBatch) -> Result<Value, SqsError> {
    let queue = queues.by_url(&request.queue_url)?;
    let drafts: Vec<_> =
        request.entries.into_iter().map(|entry| (entry.id, Draft::from(entry.message))).collect();
    if drafts.iter().map(|(_, draft)| draft.size()).sum::<usize>() > MAX_MESSAGE_BYTES {
        return Err(SqsError::BatchRequestTooLong);
    }
    batch::each(drafts, |(id, _)| id.clone(), |(_, draft)| put(&queue, draft))
}

fn put(queue: &Queue, draft: Draft) -> Result<Value, SqsError> {
    let sent = queue.send(draft)?;
    Ok(json!({"MessageId": sent.id, "MD5OfMessageBody": &*sent.md5}))
}

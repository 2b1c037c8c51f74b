//! A message on its way in, at rest, and on its way out.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MAX_MESSAGE_BYTES, SqsError};
use crate::clock::random_id;

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The text.
    pub body: String,
    /// `MessageGroupId`: whose message it is, for fair order.
    pub group: Option<String>,
    /// `DelaySeconds`, or the queue's.
    pub delay_seconds: Option<u32>,
    /// `MessageAttributes`, as they came.
    pub attributes: Map<String, Value>,
}

impl Draft {
    /// Bytes that count against the limits: the body, and name, type and value of each attribute.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| {
            let parts = value.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_str);
            name.len() + parts.map(str::len).sum::<usize>()
        });
        self.body.len() + attributes.sum::<usize>()
    }

    /// AWS "SendMessage": 1 character to 1 MiB of what XML 1.0 allows; a delay of up to 15 minutes; a group of up to
    /// 128 letters, digits and punctuation.
    pub(super) fn check(&self) -> Result<(), SqsError> {
        if self.body.is_empty() {
            return Err(SqsError::InvalidParameter(
                "The request must contain the parameter MessageBody.".into(),
            ));
        }
        if self.size() > MAX_MESSAGE_BYTES {
            return Err(SqsError::InvalidParameter(
                "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
                    .into(),
            ));
        }
        let allowed = |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        if !self.body.chars().all(allowed) {
            return Err(SqsError::InvalidMessageContents);
        }
        if self.delay_seconds.is_some_and(|delay| delay > 900) {
            return Err(SqsError::InvalidParameter("DelaySeconds must be between 0 and 900.".into()));
        }
        let fits =
            |group: &String| (1..=128).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_graphic());
        if !self.group.iter().all(fits) {
            return Err(SqsError::InvalidParameter(
                "MessageGroupId is 1 to 128 letters, digits and punctuation.".into(),
            ));
        }
        Ok(())
    }
}

/// A message at rest.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: Uuid,
    pub(super) body: Arc<str>,
    pub(super) md5: Arc<str>,
    pub(super) group: Arc<str>,
    pub(super) attributes: Arc<Map<String, Value>>,
    pub(super) sent_ms: i64,
    pub(super) first_received_ms: i64,
    pub(super) receive_count: u32,
    /// The ARN of the queue it died in.
    pub(super) source: Option<Arc<str>>,
}

impl Message {
    pub(super) fn new(draft: Draft, now_ms: i64) -> Self {
        let md5 = Md5::digest(draft.body.as_bytes());
        Self {
            id: random_id(),
            body: draft.body.into(),
            md5: md5.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
            group: draft.group.unwrap_or_default().into(),
            attributes: Arc::new(draft.attributes),
            sent_ms: now_ms,
            first_received_ms: 0,
            receive_count: 0,
            source: None,
        }
    }

    pub(super) fn deliver(&self, receipt: Receipt) -> Delivery {
        let mut system = vec![
            ("ApproximateReceiveCount", self.receive_count.to_string()),
            ("SentTimestamp", self.sent_ms.to_string()),
            ("SenderId", "AIDALOCALLOCALLOCAL00".to_owned()),
            ("ApproximateFirstReceiveTimestamp", self.first_received_ms.to_string()),
        ];
        if !self.group.is_empty() {
            system.push(("MessageGroupId", self.group.to_string()));
        }
        if let Some(source) = &self.source {
            system.push(("DeadLetterQueueSourceArn", source.to_string()));
        }
        Delivery {
            id: self.id,
            receipt: receipt.to_string(),
            body: self.body.clone(),
            md5: self.md5.clone(),
            system,
            attributes: self.attributes.clone(),
        }
    }
}

/// A message as a consumer gets it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `MessageId`.
    pub id: Uuid,
    /// `ReceiptHandle`, good for this delivery.
    pub receipt: String,
    /// The text.
    pub body: Arc<str>,
    /// `MD5OfBody`.
    pub md5: Arc<str>,
    /// System attributes: `ApproximateReceiveCount`, `MessageGroupId` and the like.
    pub system: Vec<(&'static str, String)>,
    /// `MessageAttributes`.
    pub attributes: Arc<Map<String, Value>>,
}

/// What a receipt handle says. The queue's incarnation keeps a handle of before a restart from deleting a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) incarnation: u64,
    pub(super) number: u64,
    pub(super) receive_count: u32,
}

impl Receipt {
    pub(super) fn parse(handle: &str) -> Result<Self, SqsError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(handle).ok()?;
            let (incarnation, rest) = bytes.split_first_chunk()?;
            let (number, rest) = rest.split_first_chunk()?;
            let receive_count = u32::from_be_bytes(rest.try_into().ok()?);
            Some(Self {
                incarnation: u64::from_be_bytes(*incarnation),
                number: u64::from_be_bytes(*number),
                receive_count,
            })
        };
        read().ok_or(SqsError::ReceiptHandleIsInvalid)
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&self.incarnation.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_be_bytes());
        bytes[16..].copy_from_slice(&self.receive_count.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

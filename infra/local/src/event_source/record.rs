//! The event a function gets: AWS "Using Lambda with Amazon SQS", example standard queue message event.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::sqs::Delivery;

pub(super) fn event(batch: &[Delivery], queue_arn: &str, region: &str) -> Bytes {
    let records: Vec<_> = batch.iter().map(|delivery| record(delivery, queue_arn, region)).collect();
    json!({"Records": records}).to_string().into()
}

fn record(delivery: &Delivery, queue_arn: &str, region: &str) -> Value {
    let system = delivery.system.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    let attributes = delivery.attributes.iter().map(|(name, value)| (name.clone(), attribute(value)));
    json!({
        "messageId": delivery.id,
        "receiptHandle": delivery.receipt,
        "body": &*delivery.body,
        "md5OfBody": &*delivery.md5,
        "attributes": system.collect::<Map<_, _>>(),
        "messageAttributes": attributes.collect::<Map<_, _>>(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    })
}

/// The same value, spelt in the event's camel case.
fn attribute(value: &Value) -> Value {
    json!({
        "stringValue": value["StringValue"],
        "binaryValue": value["BinaryValue"],
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    })
}

//! The AWS JSON 1.0 protocol: `X-Amz-Target: AmazonSQS.<operation>`, one JSON object in, one out.
//!
//! Shapes: AWS "Amazon SQS API Reference". Signatures are not checked: the listener is on loopback only.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Queues, SqsError};

mod batch;
mod manage;
mod receive;
mod send;

/// Answers one call.
pub async fn answer(queues: &Queues, operation: &str, body: &[u8]) -> Response {
    match call(queues, operation, body).await {
        Ok(answer) => {
            ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], answer.to_string()).into_response()
        }
        Err(error) => refuse(&error),
    }
}

async fn call(queues: &Queues, operation: &str, body: &[u8]) -> Result<Value, SqsError> {
    match operation {
        "SendMessage" => send::send(queues, read(body)?),
        "SendMessageBatch" => send::send_batch(queues, read(body)?),
        "ReceiveMessage" => receive::receive(queues, read(body)?).await,
        "DeleteMessage" => receive::delete(queues, &read(body)?),
        "DeleteMessageBatch" => receive::delete_batch(queues, read(body)?),
        "ChangeMessageVisibility" => receive::change_visibility(queues, &read(body)?),
        "ChangeMessageVisibilityBatch" => receive::change_visibility_batch(queues, read(body)?),
        "CreateQueue" => manage::create(queues, read(body)?),
        "GetQueueUrl" => manage::url(queues, &read(body)?),
        "ListQueues" => manage::list(queues, &read(body)?),
        "GetQueueAttributes" => manage::attributes(queues, &read(body)?),
        "SetQueueAttributes" => manage::set_attributes(queues, &read(body)?),
        "PurgeQueue" => manage::purge(queues, &read(body)?),
        "StartMessageMoveTask" => manage::start_move(queues, &read(body)?),
        other => Err(SqsError::UnsupportedOperation(other.to_owned())),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body)
        .map_err(|error| SqsError::InvalidParameter(format!("The request is not valid: {error}.")))
}

fn refuse(error: &SqsError) -> Response {
    let (status, blame) = if error.is_ours() {
        (StatusCode::SERVICE_UNAVAILABLE, "Receiver")
    } else {
        (StatusCode::BAD_REQUEST, "Sender")
    };
    let body =
        json!({"__type": format!("com.amazonaws.sqs#{}", error.shape()), "message": error.to_string()});
    let code = HeaderValue::from_str(&format!("{};{blame}", error.code())).expect("codes are visible ASCII");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0")),
        (header::HeaderName::from_static("x-amzn-query-error"), code),
    ];
    (status, headers, body.to_string()).into_response()
}

/// A request that only names a queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfQueue {
    queue_url: String,
}

fn seconds(seconds: Option<u32>, default: u32, most: u32, name: &str) -> Result<Duration, SqsError> {
    let seconds = seconds.unwrap_or(default);
    if seconds > most {
        return Err(SqsError::InvalidParameter(format!("{name} must be between 0 and {most}.")));
    }
    Ok(Duration::from_secs(seconds.into()))
}

//! The AWS endpoint: one loopback listener for SQS and Secrets Manager, told apart by `X-Amz-Target`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::secrets_manager::{self, Names, SecretStore};
use crate::sqs::{self, Queues};

/// A full batch of 1 MiB, each character escaped.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// What the endpoint answers from, and to whom.
pub(super) struct Endpoint {
    pub(super) access_key_id: String,
    pub(super) queues: Arc<Queues>,
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) names: Names,
}

impl Endpoint {
    /// Serves until the task is aborted.
    pub(super) async fn serve(self, listener: TcpListener) {
        let service = Router::new().fallback(answer).with_state(Arc::new(self));
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the AWS endpoint stopped");
        }
    }
}

async fn answer(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Body) -> Response {
    if !shows(&headers, &endpoint.access_key_id) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.split_once('.')) {
        Some(("AmazonSQS", operation)) => sqs::answer(&endpoint.queues, operation, &body).await,
        Some(("secretsmanager", operation)) => {
            secrets_manager::answer(&*endpoint.secrets, &endpoint.names, operation, &body)
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether a request is signed with this key (`AWS4-HMAC-SHA256 Credential=<key id>/<scope>, …`, AWS Signature Version 4). The
/// signature itself is not checked: the key id is the secret here.
fn shows(headers: &HeaderMap, access_key_id: &str) -> bool {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let credential = authorization.and_then(|text| text.split_once("Credential="));
    credential.and_then(|(_, rest)| rest.split_once('/')).is_some_and(|(id, _)| id == access_key_id)
}

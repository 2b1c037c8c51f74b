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

/// What the endpoint answers from.
pub(super) struct Endpoint {
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

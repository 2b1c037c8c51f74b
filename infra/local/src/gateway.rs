//! The API gateway: HTTP in, payload 2.0 event to a function, its answer back out.
//!
//! The runner gives it a bound socket and the routes of `template.yaml`. It does what an API Gateway HTTP API does and
//! no more: it authorises nothing, keeps no state and never retries.
//! Protocol: AWS "Create AWS Lambda proxy integrations for HTTP APIs", payload format version 2.0.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::json;
use tokio::net::TcpListener;

use crate::clock::random_id;
use crate::lambda::{Functions, MAX_PAYLOAD_BYTES};

mod answer;
mod event;
mod route;

pub(crate) use route::Routes;

/// AWS "Quotas for HTTP APIs": integration timeout 30 s, payload 10 MB.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A route of the gateway, as API Gateway writes it.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// `ANY /auth/{proxy+}`, `GET /healthz` or `$default`.
    pub key: String,
    /// The function's name.
    pub function: String,
}

/// What a request needs.
pub(crate) struct Gateway {
    pub(crate) functions: Arc<Functions>,
    pub(crate) routes: Routes,
    pub(crate) account: String,
}

impl Gateway {
    /// Serves until the task is aborted.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let service = Router::new().fallback(answer).with_state(Arc::new(self));
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let service = service.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the gateway stopped");
        }
    }

    /// The function's answer, or the gateway's own refusal.
    async fn forward(&self, peer: SocketAddr, request: Request) -> Result<Response, StatusCode> {
        let (parts, body) = request.into_parts();
        let body =
            axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| too_long_or_broken(&error))?;
        let path = event::decoded_path(parts.uri.path());
        let hit = self.routes.find(&parts.method, &path).ok_or(StatusCode::NOT_FOUND)?;
        let call =
            event::Call { parts: &parts, path: &path, body: &body, peer, hit: &hit, account: &self.account };
        let event = call.event().ok_or(StatusCode::BAD_REQUEST)?;
        if event.len() > MAX_PAYLOAD_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let answer =
            tokio::time::timeout(INTEGRATION_TIMEOUT, self.functions.invoke(hit.function, event)).await;
        let answer = answer.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let answer = answer.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        answer::response(&answer).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let mut response = gateway.forward(peer, request).await.unwrap_or_else(refusal);
    if let Ok(id) = HeaderValue::from_str(&random_id().simple().to_string()) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

/// API Gateway's own answers are `{"message": …}`.
fn refusal(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        other => other.canonical_reason().unwrap_or("Error"),
    };
    (status, axum::Json(json!({"message": message}))).into_response()
}

/// A body that stops half-way is the client's fault too.
fn too_long_or_broken(error: &axum::Error) -> StatusCode {
    let source = std::error::Error::source(error);
    if source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        StatusCode::BAD_REQUEST
    }
}

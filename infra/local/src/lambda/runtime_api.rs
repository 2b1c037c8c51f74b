//! The Lambda Runtime API, one listener per instance, so that an instance is known by the port it calls.
//!
//! Protocol: AWS "Using the Lambda runtime API for custom runtimes", version 2018-06-01.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{InvokeError, MAX_PAYLOAD_BYTES};

type Answer = Result<Bytes, InvokeError>;

/// One event on its way to an instance.
pub(super) struct Invocation {
    pub(super) id: Uuid,
    pub(super) event: Bytes,
    /// When it will be killed, in milliseconds of real time since the epoch.
    pub(super) deadline_ms: i64,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// How far an instance has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    /// It has asked for an event.
    Ready,
    /// It said that it can't start, and why.
    Failed(String),
}

type Working = (Uuid, oneshot::Sender<Answer>);

/// What the instance and its listener share.
pub(super) struct RuntimeApi {
    function_arn: String,
    events: mpsc::UnboundedSender<Invocation>,
    inbox: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    working: Mutex<Option<Working>>,
    phase: watch::Sender<Phase>,
}

impl RuntimeApi {
    /// Opens a listener on a loopback port and serves it until the task is aborted.
    pub(super) async fn open(
        function_arn: String,
    ) -> std::io::Result<(Arc<Self>, SocketAddr, tokio::task::AbortHandle)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, inbox) = mpsc::unbounded_channel();
        let api = Arc::new(Self {
            function_arn,
            events,
            inbox: tokio::sync::Mutex::new(inbox),
            working: Mutex::new(None),
            phase: watch::Sender::new(Phase::Starting),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(api.clone());
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok((api, address, server.abort_handle()))
    }

    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn hand_over(&self, invocation: Invocation) {
        let _ = self.events.send(invocation);
    }

    /// An event that the instance never asked for, so that another one may have it.
    pub(super) async fn take_back(&self) -> Option<Invocation> {
        self.inbox.lock().await.try_recv().ok()
    }

    fn begin(&self, id: Uuid, answer: oneshot::Sender<Answer>) {
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, answer));
    }

    /// Answers the event at work; false when that is another one.
    fn finish(&self, id: Uuid, result: Answer) -> bool {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, answer)) = working.take_if(|(at_work, _)| *at_work == id) else { return false };
        let _ = answer.send(result);
        true
    }
}

/// Long poll: returns when there is an event. Dropped with its connection, which leaves the event where it was.
async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    api.phase.send_if_modified(|phase| {
        let first = *phase == Phase::Starting;
        if first {
            *phase = Phase::Ready;
        }
        first
    });
    let Some(invocation) = api.inbox.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = invocation.id;
    api.begin(id, invocation.answer);
    let trace = format!("Root=1-{:08x}-{:.24};Sampled=0", invocation.deadline_ms / 1000, id.simple());
    let mut headers = HeaderMap::with_capacity(5);
    let mut set = |name, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("ids, numbers and ARNs are visible ASCII"));
    };
    set("lambda-runtime-aws-request-id", &id.to_string());
    set("lambda-runtime-deadline-ms", &invocation.deadline_ms.to_string());
    set("lambda-runtime-invoked-function-arn", &api.function_arn);
    set("lambda-runtime-trace-id", &trace);
    set(header::CONTENT_TYPE.as_str(), "application/json");
    (headers, invocation.event).into_response()
}

async fn response(State(api): State<Arc<RuntimeApi>>, Path(id): Path<Uuid>, body: Body) -> Response {
    match axum::body::to_bytes(body, MAX_PAYLOAD_BYTES).await {
        Ok(answer) => accepted(api.finish(id, Ok(answer))),
        Err(_) => {
            api.finish(id, Err(InvokeError::TooLarge));
            refused(StatusCode::PAYLOAD_TOO_LARGE, "Function.ResponseSizeTooLarge")
        }
    }
}

/// What a runtime posts when its function failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

impl Failure {
    async fn read(body: Body) -> Self {
        let body = axum::body::to_bytes(body, MAX_PAYLOAD_BYTES).await.unwrap_or_default();
        serde_json::from_slice(&body)
            .unwrap_or_else(|_| Self { error_type: "Unhandled".to_owned(), error_message: String::new() })
    }
}

async fn error(State(api): State<Arc<RuntimeApi>>, Path(id): Path<Uuid>, body: Body) -> Response {
    let Failure { error_type, error_message } = Failure::read(body).await;
    accepted(api.finish(id, Err(InvokeError::Function { error_type, message: error_message })))
}

async fn init_error(State(api): State<Arc<RuntimeApi>>, body: Body) -> Response {
    let Failure { error_type, error_message } = Failure::read(body).await;
    api.phase.send_replace(Phase::Failed(format!("{error_type}: {error_message}")));
    accepted(true)
}

fn accepted(known: bool) -> Response {
    if known {
        (StatusCode::ACCEPTED, axum::Json(serde_json::json!({"status": "OK"}))).into_response()
    } else {
        refused(StatusCode::BAD_REQUEST, "InvalidRequestID")
    }
}

fn refused(status: StatusCode, error_type: &str) -> Response {
    let body = serde_json::json!({"errorType": error_type, "errorMessage": error_type});
    (status, axum::Json(body)).into_response()
}

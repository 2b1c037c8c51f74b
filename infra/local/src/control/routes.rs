//! The calls of the control API.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CloudError, Handle};
use crate::lambda::{InvokeError, MAX_PAYLOAD_BYTES};
use crate::sqs::Faults;

pub(super) fn routes(cloud: Handle) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/clock", post(clock))
        .route("/functions/{name}/{action}", post(function))
        .route("/queues/{name}/{action}", post(queue))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD_BYTES))
        .with_state(Arc::new(cloud))
}

type Shared = State<Arc<Handle>>;

async fn state(State(handle): Shared) -> Result<Json<Value>, Refusal> {
    let cloud = cloud(&handle)?;
    Ok(Json(state_of(&cloud)))
}

fn state_of(cloud: &Cloud) -> Value {
    json!({
        "clock": {"now": cloud.clock().now(), "shift_seconds": cloud.clock().shift().as_secs()},
        "functions": cloud.functions(),
        "queues": cloud.queues(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shift {
    shift_seconds: i64,
}

async fn clock(State(handle): Shared, Json(shift): Json<Shift>) -> Result<Json<Value>, Refusal> {
    let cloud = cloud(&handle)?;
    cloud.shift_time(SignedDuration::from_secs(shift.shift_seconds));
    Ok(Json(json!({"now": cloud.clock().now()})))
}

async fn function(
    State(handle): Shared,
    Path((name, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let cloud = cloud(&handle)?;
    let instances = match action.as_str() {
        "invoke" => return Ok(cloud.invoke(&name, body).await?.into_response()),
        "tick" => return Ok(cloud.tick_now(&name).await?.into_response()),
        // The next event starts a new instance.
        "kill" | "restart" => cloud.kill(&name).await?,
        "freeze" => cloud.freeze(&name)?,
        "thaw" => cloud.thaw(&name)?,
        _ => return Err(Refusal::NoAction(action)),
    };
    Ok(Json(json!({"instances": instances})).into_response())
}

async fn queue(
    State(handle): Shared,
    Path((name, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let cloud = cloud(&handle)?;
    match action.as_str() {
        "faults" => {
            let faults: Faults = serde_json::from_slice(&body).map_err(Refusal::Body)?;
            cloud.set_faults(&name, faults)?;
        }
        "purge" => cloud.purge_queue(&name)?,
        "pause" => cloud.pause_queue(&name, true)?,
        "resume" => cloud.pause_queue(&name, false)?,
        _ => return Err(Refusal::NoAction(action)),
    }
    Ok(Json(state_of(&cloud)["queues"][&name].clone()))
}

fn cloud(handle: &Handle) -> Result<Cloud, Refusal> {
    handle.cloud().ok_or(Refusal::Invoke(InvokeError::Stopping))
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Cloud(#[from] CloudError),
    #[error("{0}")]
    Invoke(#[from] InvokeError),
    #[error("{0} is not an action")]
    NoAction(String),
    #[error("{0}")]
    Body(serde_json::Error),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Cloud(_) | Self::NoAction(_) | Self::Invoke(InvokeError::NoFunction(_)) => {
                StatusCode::NOT_FOUND
            }
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Invoke(_) => StatusCode::BAD_GATEWAY,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

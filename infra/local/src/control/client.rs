//! The other end of the control socket, for the `signalbox` commands.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// Why a control call failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens on the socket.
    #[error("no stack is running with {path}")]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the stack stopped before it answered")]
    Broken(#[source] hyper::Error),
    /// The stack said no.
    #[error("{0}")]
    Refused(String),
    /// A path that is no path.
    #[error("not a control call")]
    Call(#[source] http::Error),
}

/// Makes one call, as in `call(socket, Method::POST, "/functions/steward/invoke", event)`.
pub async fn call(
    socket: &Path,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<Bytes, ControlError> {
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|source| ControlError::NotRunning { path: socket.to_owned(), source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(ControlError::Broken)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .map_err(ControlError::Call)?;
    let response = sender.send_request(request).await.map_err(ControlError::Broken)?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(ControlError::Broken)?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    Err(ControlError::Refused(said["error"].as_str().unwrap_or(status.as_str()).to_owned()))
}

//! The control socket.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use http::Method;
use local::control::{ControlError, call};
use serde_json::Value;

use crate::Stage;

#[tokio::test]
async fn the_socket_shows_the_state_invokes_kills_and_moves_time() {
    let stage = Stage::with_function(Duration::from_secs(10), 1).await;
    stage.queues(Duration::from_secs(30));
    let socket = stage.folder.0.join("control");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let post = |path: &'static str, body: &'static str| call(&socket, Method::POST, path, body);
    let answer: Value = serde_json::from_slice(&post("/functions/fake/invoke", "{}").await.unwrap()).unwrap();
    let state: Value =
        serde_json::from_slice(&call(&socket, Method::GET, "/state", "").await.unwrap()).unwrap();
    assert_eq!(state["functions"]["fake"]["idle"][0], answer["pid"]);
    assert_eq!(state["queues"]["work"]["visible"], 0);
    assert_eq!(post("/functions/fake/kill", "").await.unwrap(), r#"{"instances":1}"#);
    post("/clock", r#"{"shift_seconds":3600}"#).await.unwrap();
    assert_eq!(stage.cloud.clock().shift().as_secs(), 3600);
    post("/queues/work/faults", r#"{"drop_next":1}"#).await.unwrap();
    let unknown = post("/queues/work/faults", r#"{"drop":1}"#).await;
    assert!(matches!(unknown, Err(ControlError::Refused(_))), "{unknown:?}");
    let nobody = post("/functions/nobody/kill", "").await;
    assert!(matches!(nobody, Err(ControlError::Refused(_))), "{nobody:?}");
}

#[tokio::test]
async fn without_a_stack_a_call_says_so() {
    let stage = Stage::new().await;
    let nowhere = stage.folder.0.join("nowhere");
    let error = call(&nowhere, Method::GET, "/state", "").await.unwrap_err();
    assert!(matches!(error, ControlError::NotRunning { .. }), "{error:?}");
}

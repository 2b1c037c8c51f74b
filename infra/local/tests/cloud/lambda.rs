//! Functions: start, reuse, crash, timeout, kill, freeze.

use std::time::Duration;

use local::lambda::InvokeError;
use serde_json::json;

use crate::{Stage, eventually};

const TEN_SECONDS: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_instance_is_started_by_the_first_event_and_used_again() {
    let stage = Stage::with_function(TEN_SECONDS, 4).await;
    assert!(stage.cloud.functions()["fake"].idle.is_empty());
    let first = stage.invoke(json!({"n": 1})).await;
    let second = stage.invoke(json!({"n": 2})).await;
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(second["event"], json!({"n": 2}));
    assert_eq!(stage.cloud.functions()["fake"].idle.len(), 1);
}

#[tokio::test]
async fn busy_instances_get_company_up_to_the_limit() {
    let stage = Stage::with_function(TEN_SECONDS, 2).await;
    let sleep = || stage.invoke(json!({"do": "sleep", "ms": 100}));
    let (a, b, c) = tokio::join!(sleep(), sleep(), sleep());
    let mut pids = [&a, &b, &c].map(|answer| answer["pid"].as_u64().unwrap()).to_vec();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 2);
}

#[tokio::test]
async fn a_functions_own_error_comes_through_and_the_instance_lives() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    let pid = stage.invoke(json!({})).await["pid"].clone();
    let error = stage.cloud.invoke("fake", r#"{"do":"fail"}"#).await.unwrap_err();
    assert!(matches!(&error, InvokeError::Function { message, .. } if message == "as asked"), "{error:?}");
    assert_eq!(stage.invoke(json!({})).await["pid"], pid);
    assert_eq!(stage.cloud.functions()["fake"].failures, 1);
}

#[tokio::test]
async fn a_crash_is_an_error_and_the_next_event_finds_a_new_instance() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    let error = stage.cloud.invoke("fake", r#"{"do":"exit"}"#).await.unwrap_err();
    assert!(matches!(&error, InvokeError::Crashed(status) if status.contains('3')), "{error:?}");
    stage.invoke(json!({})).await;
}

#[tokio::test]
async fn a_binary_that_ends_at_once_is_an_error() {
    let stage = Stage::new().await;
    let mut settings = crate::fake_function::settings("fake", TEN_SECONDS, 1);
    settings.environment.clear();
    stage.cloud.add_function(settings).unwrap();
    let error = stage.cloud.invoke("fake", "{}").await.unwrap_err();
    assert!(matches!(error, InvokeError::Crashed(_)), "{error:?}");
}

#[tokio::test]
async fn an_invocation_that_takes_too_long_is_killed() {
    let stage = Stage::with_function(Duration::from_millis(300), 1).await;
    let pid = stage.invoke(json!({})).await["pid"].clone();
    let error = stage.cloud.invoke("fake", r#"{"do":"sleep","ms":60000}"#).await.unwrap_err();
    assert!(matches!(error, InvokeError::TimedOut(_)), "{error:?}");
    assert_ne!(stage.invoke(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn killing_idle_instances_costs_no_event() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    for _ in 0..3 {
        stage.invoke(json!({})).await;
        assert_eq!(stage.cloud.kill("fake").await.unwrap(), 1);
    }
    stage.invoke(json!({})).await;
}

#[tokio::test]
async fn a_frozen_instance_is_a_zombie_while_a_new_one_works() {
    let stage = Stage::with_function(TEN_SECONDS, 2).await;
    let slow = tokio::spawn({
        let cloud = stage.cloud.clone();
        async move { cloud.invoke("fake", r#"{"do":"sleep","ms":1000}"#).await }
    });
    eventually("a busy instance", || stage.cloud.functions()["fake"].busy.len() == 1).await;
    let zombie = stage.cloud.functions()["fake"].busy[0];
    // Let it start and take the event before it freezes.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(stage.cloud.freeze("fake").unwrap(), 1);
    assert_ne!(stage.invoke(json!({})).await["pid"], zombie);
    assert_eq!(stage.cloud.functions()["fake"].frozen, [zombie]);
    assert!(!slow.is_finished());
    assert_eq!(stage.cloud.thaw("fake").unwrap(), 1);
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_has_left() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    let pid = stage.invoke(json!({})).await["pid"].clone();
    let invocation = stage.cloud.invoke("fake", r#"{"do":"sleep","ms":50}"#);
    let _ = tokio::time::timeout(Duration::from_millis(5), invocation).await;
    assert_eq!(stage.invoke(json!({})).await["pid"], pid);
    assert_eq!(stage.cloud.functions()["fake"].failures, 0);
}

#[tokio::test]
async fn stop_leaves_no_process_behind() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    let pid = stage.invoke(json!({})).await["pid"].as_u64().unwrap();
    stage.cloud.stop().await;
    assert!(!crate::guard::is_alive(pid));
    let refused = stage.cloud.invoke("fake", "{}").await;
    assert!(matches!(refused, Err(InvokeError::Stopping)));
}

#[tokio::test]
async fn what_a_function_prints_is_in_its_log() {
    let stage = Stage::with_function(TEN_SECONDS, 1).await;
    stage.invoke(json!({"Records": []})).await;
    let log = std::fs::read_to_string(stage.folder.0.join("logs/fake.log")).unwrap();
    assert!(log.contains("worked 0 records"), "{log}");
}

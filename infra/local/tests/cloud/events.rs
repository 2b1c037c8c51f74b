//! Queues and the clock feed functions.

use std::time::Duration;

use jiff::SignedDuration;
use local::cloud::{EventSourceSettings, TickSettings};
use local::sqs::Draft;

use crate::{Stage, eventually};

async fn fed_stage() -> Stage {
    let stage = Stage::with_function(Duration::from_secs(10), 2).await;
    stage.queues(Duration::from_secs(30));
    let settings = EventSourceSettings {
        queue: "work".to_owned(),
        function: "fake".to_owned(),
        batch_size: 10,
        concurrency: 2,
    };
    stage.cloud.subscribe(settings).unwrap();
    stage
}

fn send(stage: &Stage, body: &str) {
    stage.cloud.send("work", Draft { body: body.to_owned(), ..Draft::default() }).unwrap();
}

#[tokio::test]
async fn what_succeeds_is_deleted_and_what_fails_alone_comes_back_until_it_is_dead() {
    let stage = fed_stage().await;
    stage.cloud.pause_queue("work", true).unwrap();
    for body in ["one", "poison", "two"] {
        send(&stage, body);
    }
    stage.cloud.pause_queue("work", false).unwrap();
    eventually("two deletions", || stage.cloud.queues()["work"].deleted == 2).await;
    assert_eq!(stage.cloud.queues()["work"].in_flight, 1);
    stage.cloud.shift_time(SignedDuration::from_secs(30));
    eventually("a second delivery", || stage.cloud.queues()["work"].received == 4).await;
    eventually("a second failure", || stage.cloud.functions()["fake"].busy.is_empty()).await;
    stage.cloud.shift_time(SignedDuration::from_secs(30));
    eventually("a dead message", || stage.cloud.queues()["work-dlq"].visible == 1).await;
}

#[tokio::test]
async fn a_paused_queue_keeps_its_messages() {
    let stage = fed_stage().await;
    stage.cloud.pause_queue("work", true).unwrap();
    // The poller has let go of its long poll.
    tokio::time::sleep(Duration::from_millis(20)).await;
    send(&stage, "waits");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stage.cloud.queues()["work"].visible, 1);
    stage.cloud.pause_queue("work", false).unwrap();
    eventually("a deletion", || stage.cloud.queues()["work"].deleted == 1).await;
}

#[tokio::test]
async fn a_tick_comes_on_the_minute_of_the_shifted_clock() {
    let stage = Stage::with_function(Duration::from_secs(10), 1).await;
    let every = Duration::from_secs(3600);
    stage.cloud.tick(TickSettings { function: "fake".to_owned(), every, input: None }).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(stage.cloud.functions()["fake"].invocations, 0);
    stage.cloud.shift_time(SignedDuration::from_hours(1));
    eventually("a tick", || stage.cloud.functions()["fake"].invocations == 1).await;
    let answer = stage.cloud.tick_now("fake").await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["event"]["detail-type"], "Scheduled Event");
}

#[tokio::test]
async fn a_thousand_messages_are_worked_in_a_few_seconds() {
    let stage = fed_stage().await;
    stage.invoke(serde_json::json!({})).await;
    let start = std::time::Instant::now();
    for n in 0..1000 {
        send(&stage, &format!("message {n}"));
    }
    eventually("all deleted", || stage.cloud.queues()["work"].deleted == 1000).await;
    println!("1000 messages in {:?}", start.elapsed());
}

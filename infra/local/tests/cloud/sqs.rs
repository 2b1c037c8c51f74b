//! The queue service, through the AWS SDK that the functions use.

use std::time::{Duration, Instant};

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry};
use aws_sdk_sqs::{Client, Config};
use jiff::SignedDuration;
use local::sqs::Faults;

use crate::Stage;

const THIRTY_SECONDS: Duration = Duration::from_secs(30);

fn client(stage: &Stage) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(stage.cloud.access_key_id(), "local", None, None, "test"))
        .endpoint_url(stage.cloud.endpoint_url());
    Client::from_conf(config.build())
}

async fn bodies(sqs: &Client, url: &str, wait_seconds: i32) -> Vec<String> {
    let received = sqs.receive_message().queue_url(url).max_number_of_messages(10);
    let received = received.wait_time_seconds(wait_seconds).send().await.unwrap();
    received.messages().iter().map(|message| message.body().unwrap().to_owned()).collect()
}

async fn send(sqs: &Client, url: &str, body: &str, group: &str) {
    sqs.send_message().queue_url(url).message_body(body).message_group_id(group).send().await.unwrap();
}

#[tokio::test]
async fn a_message_comes_with_its_md5_attributes_and_group_and_is_gone_when_deleted() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    send(&sqs, &url, "hello", "tenant").await;
    let received = sqs
        .receive_message()
        .queue_url(&url)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.md5_of_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    let attributes = message.attributes().unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::MessageGroupId], "tenant");
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert!(attributes.contains_key(&MessageSystemAttributeName::SentTimestamp));
    assert_eq!(stage.cloud.queues()["work"].in_flight, 1);
    let handle = message.receipt_handle().unwrap();
    sqs.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    let stats = &stage.cloud.queues()["work"];
    assert_eq!((stats.in_flight, stats.visible, stats.deleted), (0, 0, 1));
}

#[tokio::test]
async fn a_batch_reports_each_entry() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let batch = [entry("a", "one"), entry("b", "bad \u{1}"), entry("c", "two")];
    let sent =
        sqs.send_message_batch().queue_url(&url).set_entries(Some(batch.to_vec())).send().await.unwrap();
    assert_eq!(sent.successful().iter().map(|sent| sent.id()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    assert_eq!(bodies(&sqs, &url, 0).await.len(), 2);
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_message_is_sent() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    let start = Instant::now();
    let poll = async { bodies(&sqs, &url, 20).await };
    let sender = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        send(&sqs, &url, "late", "tenant").await;
    };
    assert_eq!(tokio::join!(poll, sender).0, ["late"]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_delayed_message_comes_when_its_delay_is_over_on_the_shifted_clock() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    sqs.send_message().queue_url(&url).message_body("later").delay_seconds(900).send().await.unwrap();
    assert_eq!(bodies(&sqs, &url, 0).await, [""; 0]);
    assert_eq!(stage.cloud.queues()["work"].delayed, 1);
    let poll = async { bodies(&sqs, &url, 20).await };
    let shift = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stage.cloud.shift_time(SignedDuration::from_secs(900));
    };
    assert_eq!(tokio::join!(poll, shift).0, ["later"]);
}

#[tokio::test]
async fn a_message_not_deleted_comes_again_and_then_goes_to_the_dead_letter_queue_and_back() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    send(&sqs, &url, "poison", "tenant").await;
    for _ in 0..2 {
        assert_eq!(bodies(&sqs, &url, 0).await, ["poison"]);
        assert_eq!(bodies(&sqs, &url, 0).await, [""; 0]);
        stage.cloud.shift_time(SignedDuration::from_secs(30));
    }
    assert_eq!(bodies(&sqs, &url, 0).await, [""; 0]);
    assert_eq!(stage.cloud.queues()["work-dlq"].visible, 1);
    let dlq = sqs.get_queue_url().queue_name("work-dlq").send().await.unwrap();
    let arn = sqs
        .get_queue_attributes()
        .queue_url(dlq.queue_url().unwrap())
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .unwrap();
    let arn = &arn.attributes().unwrap()[&QueueAttributeName::QueueArn];
    sqs.start_message_move_task().source_arn(arn).send().await.unwrap();
    assert_eq!(bodies(&sqs, &url, 0).await, ["poison"]);
}

#[tokio::test]
async fn visibility_can_be_ended_early_but_only_by_the_latest_receiver() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    send(&sqs, &url, "again", "tenant").await;
    let receive = || sqs.receive_message().queue_url(&url).send();
    let first = receive().await.unwrap().messages()[0].receipt_handle().unwrap().to_owned();
    let change = |handle: &str, seconds| {
        sqs.change_message_visibility()
            .queue_url(&url)
            .receipt_handle(handle)
            .visibility_timeout(seconds)
            .send()
    };
    change(&first, 0).await.unwrap();
    assert_eq!(receive().await.unwrap().messages().len(), 1);
    assert!(change(&first, 0).await.unwrap_err().into_service_error().is_message_not_inflight());
    sqs.delete_message().queue_url(&url).receipt_handle(&first).send().await.unwrap();
    assert_eq!(stage.cloud.queues()["work"].in_flight, 1);
    assert!(change("nonsense", 0).await.unwrap_err().into_service_error().is_receipt_handle_is_invalid());
}

#[tokio::test]
async fn a_quiet_group_is_not_starved_by_a_noisy_one() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    for n in 0..50 {
        send(&sqs, &url, &format!("noisy {n}"), "noisy").await;
    }
    assert_eq!(bodies(&sqs, &url, 0).await.len(), 10);
    send(&sqs, &url, "quiet", "quiet").await;
    assert!(bodies(&sqs, &url, 0).await.contains(&"quiet".to_owned()));
}

#[tokio::test]
async fn an_unknown_queue_a_large_message_and_an_empty_batch_are_refused_as_aws_does() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    let unknown = sqs.get_queue_url().queue_name("nobody").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_queue_does_not_exist());
    let full = "x".repeat(1024 * 1024);
    sqs.send_message().queue_url(&url).message_body(&full).send().await.unwrap();
    let large = sqs.send_message().queue_url(&url).message_body(full + "x").send().await.unwrap_err();
    assert_eq!(large.into_service_error().meta().code(), Some("InvalidParameterValue"));
    let empty = sqs.send_message_batch().queue_url(&url).set_entries(Some(Vec::new())).send().await;
    assert!(empty.unwrap_err().into_service_error().is_empty_batch_request());
}

#[tokio::test]
async fn faults_drop_double_and_refuse() {
    let stage = Stage::new().await;
    let (url, sqs) = (stage.queues(THIRTY_SECONDS), client(&stage));
    let faults = Faults { drop_next: 1, ..Faults::default() };
    stage.cloud.set_faults("work", faults).unwrap();
    send(&sqs, &url, "lost", "tenant").await;
    stage.cloud.set_faults("work", Faults { duplicate_next: 1, ..Faults::default() }).unwrap();
    send(&sqs, &url, "twice", "tenant").await;
    assert_eq!(bodies(&sqs, &url, 0).await, ["twice", "twice"]);
    stage.cloud.set_faults("work", Faults { outage: true, ..Faults::default() }).unwrap();
    let refused = sqs.send_message().queue_url(&url).message_body("x").send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 503);
}

//! Secrets Manager, through the AWS SDK that the functions use.

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};

use crate::Stage;

#[tokio::test]
async fn a_stranger_reads_no_secret() {
    let stage = Stage::new().await;
    let asked = reqwest::Client::new()
        .post(stage.cloud.endpoint_url())
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/secretsmanager/aws4_request",
        );
    assert_eq!(asked.body(r#"{"SecretId": "signalbox/root-key"}"#).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_secret_is_made_changed_and_read_by_name_and_arn() {
    let stage = Stage::new().await;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(stage.cloud.access_key_id(), "local", None, None, "test"))
        .endpoint_url(stage.cloud.endpoint_url());
    let secrets = Client::from_conf(config.build());
    let missing = secrets.get_secret_value().secret_id("signalbox/root-key").send().await;
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
    let create = || secrets.create_secret().name("signalbox/root-key").secret_string("one").send();
    let arn = create().await.unwrap().arn().unwrap().to_owned();
    assert_eq!(arn, stage.cloud.secret_arn("signalbox/root-key"));
    assert!(create().await.unwrap_err().into_service_error().is_resource_exists_exception());
    let first = secrets.get_secret_value().secret_id(&arn).send().await.unwrap();
    assert_eq!(first.secret_string(), Some("one"));
    secrets.put_secret_value().secret_id(&arn).secret_string("two").send().await.unwrap();
    let second = secrets.get_secret_value().secret_id("signalbox/root-key").send().await.unwrap();
    assert_eq!(second.secret_string(), Some("two"));
    assert_ne!(first.version_id(), second.version_id());
    assert_eq!(
        secrets.describe_secret().secret_id(&arn).send().await.unwrap().name(),
        Some("signalbox/root-key")
    );
}

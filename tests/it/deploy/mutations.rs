//! Each safe setting is changed for the worse, in memory; the check that guards it must notice.

mod access;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::checks::CHECKS;
use super::template::Stacks;

/// The check that must notice, where (`Stack:/pointer`), and what is put there (`null` takes the place away).
fn mutations() -> Vec<(&'static str, &'static str, Value)> {
    let mut all = shape();
    all.extend(work());
    all.extend(access::roles());
    all.extend(access::queues());
    all.extend(network());
    all.extend(archive());
    all.extend(data());
    all.extend(told());
    all
}

fn shape() -> Vec<(&'static str, &'static str, Value)> {
    let function = json!({ "Type": "AWS::Serverless::Function", "Properties": {} });
    let url = json!({ "Type": "AWS::Lambda::Url", "Properties": { "AuthType": "NONE" } });
    let own_log = json!({ "Ref": "PortalLogs" });
    vec![
        ("names", "Root:/Resources/Portal/Properties/CodeUri", json!("functions/signin")),
        ("names", "Root:/Resources/Portal/Metadata/BuildProperties/Binary", json!("signin")),
        ("names", "Root:/Resources/Extra", function),
        ("routes", "Root:/Resources/SigninRoute/Properties/RouteKey", json!("ANY /{proxy+}")),
        ("routes", "Root:/Resources/PortalRoute", Value::Null),
        ("routes", "Root:/Resources/PortalIntegration/Properties/PayloadFormatVersion", json!("1.0")),
        ("routes", "Root:/Resources/PortalIntegration/Properties/TimeoutInMillis", json!(10_000)),
        ("no_way_past_the_gateway", "Root:/Resources/Door", url),
        (
            "no_way_past_the_gateway",
            "Root:/Resources/Portal/Properties/FunctionUrlConfig",
            json!({ "AuthType": "NONE" }),
        ),
        ("no_way_past_the_gateway", "Root:/Resources/PortalFromApi/Properties/Principal", json!("*")),
        ("no_way_past_the_gateway", "Root:/Resources/PortalFromApi/Properties/SourceArn", Value::Null),
        (
            "no_way_past_the_gateway",
            "Root:/Resources/Api/Properties/CorsConfiguration",
            json!({ "AllowOrigins": ["*"] }),
        ),
        (
            "no_way_past_the_gateway",
            "Root:/Resources/Stage/Properties/AccessLogSettings/Format",
            json!("$context.queryString"),
        ),
        ("no_way_past_the_gateway", "Root:/Resources/Stage/Properties/DefaultRouteSettings", Value::Null),
        ("logs", "Root:/Resources/Signin/Properties/LoggingConfig/LogGroup", own_log),
        ("logs", "Root:/Resources/SigninLogs/Properties/KmsKeyId", Value::Null),
        ("logs", "Root:/Resources/ApiLogs/Properties/RetentionInDays", Value::Null),
    ]
}

fn work() -> Vec<(&'static str, &'static str, Value)> {
    let portal = json!({ "Fn::GetAtt": "Portal.Arn" });
    vec![
        ("visibility", "Queues:/Resources/Work/Properties/VisibilityTimeout", json!(539)),
        ("visibility", "Queues:/Resources/Provision/Properties/VisibilityTimeout", Value::Null),
        ("visibility", "Root:/Resources/Dispatcher/Properties/Timeout", json!(91)),
        ("partial_batches", "Root:/Resources/WorkToDispatcher/Properties/FunctionResponseTypes", Value::Null),
        ("partial_batches", "Root:/Resources/ProvisionToSteward/Properties/FunctionResponseTypes", json!([])),
        ("partial_batches", "Root:/Resources/WorkToDispatcher/Properties/BatchSize", json!(10_000)),
        (
            "partial_batches",
            "Root:/Resources/WorkToDispatcher/Properties/MaximumBatchingWindowInSeconds",
            json!(5),
        ),
        (
            "partial_batches",
            "Root:/Resources/WorkToDispatcher/Properties/ScalingConfig/MaximumConcurrency",
            json!(500),
        ),
        ("dead_letters", "Queues:/Resources/Work/Properties/RedrivePolicy", Value::Null),
        ("dead_letters", "Queues:/Resources/Provision/Properties/RedrivePolicy/maxReceiveCount", json!(1000)),
        ("dead_letters", "Queues:/Resources/WorkDlq/Properties/MessageRetentionPeriod", json!(60)),
        ("dead_letters", "Queues:/Resources/WorkDlq/Properties/SqsManagedSseEnabled", json!(false)),
        ("ticks", "Root:/Resources/SchedulerTick/Properties/ScheduleExpression", json!("rate(1 hour)")),
        ("ticks", "Root:/Resources/SchedulerTick/Properties/State", json!("DISABLED")),
        ("ticks", "Root:/Resources/StewardTick/Properties/Targets/0/Arn", portal),
        ("ticks", "Root:/Resources/Scheduler/Properties/EventInvokeConfig", Value::Null),
        ("alarms", "Alarms:/Resources/WorkDlqDepth", Value::Null),
        ("alarms", "Alarms:/Resources/DispatcherErrors/Properties/AlarmActions", json!([])),
        ("alarms", "Alarms:/Resources/DispatcherErrors/Properties/ActionsEnabled", json!(false)),
        ("alarms", "Alarms:/Resources/WorkAge", Value::Null),
        ("alarms", "Alarms:/Resources/Leftovers", Value::Null),
        ("alarms", "Alarms:/Resources/UnsealedAge", Value::Null),
        ("alarms", "Alarms:/Resources/OperationsStuck", Value::Null),
        ("alarms", "Alarms:/Resources/IsolationViolations", Value::Null),
        ("alarms", "Alarms:/Resources/CrossingAttempts", Value::Null),
        ("alarms", "Alarms:/Resources/DispatcherCrossings/Properties/FilterPattern", json!("crossing")),
        ("ticks", "Root:/Resources/SealTick/Properties/Targets/0/Input", json!(r#"{"do":"refill"}"#)),
        ("alarms", "Alarms:/Resources/SchedulerSilent/Properties/TreatMissingData", json!("notBreaching")),
    ]
}

fn network() -> Vec<(&'static str, &'static str, Value)> {
    let wide = json!({ "IpProtocol": "-1", "CidrIp": "0.0.0.0/0" });
    let inside_out =
        json!({ "Type": "AWS::EC2::Route", "Properties": { "RouteTableId": { "Ref": "InsideRoutes" } } });
    vec![
        ("way_out", "Network:/Resources/InsideGroup/Properties/SecurityGroupEgress", Value::Null),
        ("way_out", "Network:/Resources/InsideGroup/Properties/SecurityGroupEgress/2", wide),
        ("way_out", "Network:/Resources/Extra", inside_out),
        (
            "way_out",
            "Root:/Resources/Portal/Properties/VpcConfig/SubnetIds",
            json!({ "Fn::Split": [",", { "Fn::GetAtt": "Network.Outputs.EgressSubnets" }] }),
        ),
        (
            "way_out",
            "Root:/Resources/Portal/Properties/VpcConfig/SecurityGroupIds/0",
            json!({ "Fn::GetAtt": "Network.Outputs.DispatcherGroup" }),
        ),
        ("way_out", "Root:/Resources/Portal/Properties/VpcConfig", Value::Null),
    ]
}

fn archive() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "archive",
            "Archive:/Resources/Bucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
            json!(false),
        ),
        ("archive", "Archive:/Resources/Bucket/Properties/BucketEncryption", Value::Null),
        (
            "archive",
            "Archive:/Resources/Bucket/Properties/VersioningConfiguration",
            json!({ "Status": "Enabled" }),
        ),
        ("archive", "Archive:/Resources/BucketPolicy", Value::Null),
        (
            "archive_access",
            "Roles:/Resources/PortalRole/Properties/Policies/0/PolicyDocument/Statement/3/Resource",
            json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}/*" }),
        ),
    ]
}

fn data() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("database", "Database:/Resources/Postgres/Properties/PubliclyAccessible", json!(true)),
        ("database", "Database:/Resources/Postgres/Properties/StorageEncrypted", json!(false)),
        ("database", "Database:/Resources/Postgres/Properties/DeletionProtection", Value::Null),
        ("database", "Database:/Resources/Postgres/Properties/BackupRetentionPeriod", json!(0)),
        ("database", "Database:/Resources/Postgres/Properties/BackupRetentionPeriod", json!(30)),
        ("database", "Database:/Resources/Postgres/Properties/MasterUserPassword", json!("secret")),
        ("database", "Database:/Resources/Postgres/Properties/DBParameterGroupName", Value::Null),
        ("database", "Database:/Resources/Parameters/Properties/Parameters/rds.force_ssl", json!("0")),
        ("database", "Database:/Resources/Parameters/Properties/Parameters/log_statement", json!("all")),
        ("connections", "Database:/Resources/Parameters/Properties/Parameters/max_connections", json!("100")),
        ("connections", "Root:/Resources/Portal/Properties/ReservedConcurrentExecutions", json!(900)),
        ("connections", "Root:/Resources/Signin/Properties/ReservedConcurrentExecutions", Value::Null),
        ("keys", "Secrets:/Resources/RootKey/DeletionPolicy", json!("Delete")),
        ("keys", "Secrets:/Resources/Key/Properties/EnableKeyRotation", json!(false)),
        ("keys", "Secrets:/Resources/SessionKey/Properties/SecretString", json!("secret")),
        ("keys", "Secrets:/Resources/QueueRoot/Properties/KmsKeyId", Value::Null),
        ("keys", "Database:/Resources/Postgres/DeletionPolicy", json!("Delete")),
        (
            "logins",
            "Database:/Resources/PortalLogin/Properties/GenerateSecretString/PasswordLength",
            json!(8),
        ),
        (
            "logins",
            "Database:/Resources/PortalLogin/Properties/GenerateSecretString/SecretStringTemplate",
            json!("{}"),
        ),
        ("logins", "Database:/Resources/PortalLogin/Properties/Name/Fn::If/1/Fn::Sub", json!("portal")),
    ]
}

fn told() -> Vec<(&'static str, &'static str, Value)> {
    let secret = "Root:/Resources/Portal/Properties/Environment/Variables/SIGNALBOX_SESSION_KEY_SECRET_ARN";
    let login = "Root:/Resources/Portal/Properties/Environment/Variables/SIGNALBOX_DATABASE_SECRET_ARN";
    vec![
        (
            "environment",
            "Root:/Resources/Portal/Properties/Environment/Variables/SIGNALBOX_MORE_DATABASES_PREFIX/Fn::Sub",
            json!("${AWS::StackName}/login/steward/"),
        ),
        (
            "environment",
            "Root:/Resources/Steward/Properties/Environment/Variables/SIGNALBOX_LOGIN_SECRET_PREFIXES/Fn::Join/1/4",
            Value::Null,
        ),
        (
            "environment",
            "Root:/Resources/Dispatcher/Properties/Environment/Variables/SIGNALBOX_EGRESS_ALLOW",
            json!("http://127.0.0.1:1"),
        ),
        ("environment", "Root:/Globals/Function/Environment/Variables/SIGNALBOX_EGRESS_ALLOW", json!("x")),
        (
            "environment",
            "Root:/Globals/Function/Environment/Variables/SIGNALBOX_DATABASE_CA_FILE",
            Value::Null,
        ),
        (
            "environment",
            "Root:/Resources/Signin/Properties/Environment/Variables/SIGNALBOX_ROOT_KEY_SECRET_ARN",
            json!("x"),
        ),
        ("environment", secret, json!("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")),
        ("environment", login, json!({ "Fn::GetAtt": "Database.Outputs.StewardLoginArn" })),
    ]
}

#[test]
fn a_safe_setting_made_unsafe_is_noticed() {
    let safe = Stacks::read();
    for (name, pointer, value) in mutations() {
        let (_, check) = CHECKS.iter().find(|(known, _)| *known == name).expect("a check that exists");
        let mut worse = safe.clone();
        let value = (!value.is_null()).then_some(value);
        assert!(worse.mutate(pointer, value), "{pointer} changed nothing");
        assert!(!check(&worse).is_empty(), "{name} does not notice {pointer}");
    }
}

#[test]
fn every_check_is_seen_to_fail() {
    let seen: BTreeSet<&str> = mutations().iter().map(|(name, ..)| *name).collect();
    let all: BTreeSet<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, all);
}

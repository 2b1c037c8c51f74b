//! What a function's role may do, and who may reach a queue.

use serde_json::{Value, json};

fn anyone() -> Value {
    json!({ "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*" })
}

pub(super) fn roles() -> Vec<(&'static str, &'static str, Value)> {
    let another = json!({ "Fn::GetAtt": "Roles.Outputs.DispatcherRoleArn" });
    vec![
        ("own_role", "Root:/Resources/Portal/Properties/Role", another),
        ("own_role", "Roles:/Resources/PortalRole/Properties/AssumeRolePolicyDocument/Statement/1", anyone()),
        (
            "no_wildcards",
            "Roles:/Resources/PortalRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            json!("secretsmanager:*"),
        ),
        (
            "no_wildcards",
            "Roles:/Resources/PortalRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource",
            json!("*"),
        ),
        (
            "no_wildcards",
            "Roles:/Resources/Common/Properties/PolicyDocument/Statement/0/Action/0",
            json!("ec2:RunInstances"),
        ),
        ("no_wildcards", "Roles:/Resources/Common/Properties/PolicyDocument/Statement/1", Value::Null),
        (
            "own_secrets",
            "Roles:/Resources/SchedulerRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource/3",
            json!({ "Ref": "RootKeyArn" }),
        ),
        (
            "own_secrets",
            "Root:/Resources/Roles/Properties/Parameters/SchedulerLoginArn",
            json!({ "Fn::GetAtt": "Database.Outputs.StewardLoginArn" }),
        ),
        ("own_secrets", "Database:/Outputs/SchedulerLoginArn/Value", json!({ "Ref": "StewardLogin" })),
        (
            "own_secrets",
            "Roles:/Resources/PortalRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource/4/Fn::Sub",
            json!(
                "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Prefix}/login/*"
            ),
        ),
    ]
}

pub(super) fn queues() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "own_queues",
            "Roles:/Resources/SigninRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource",
            json!({ "Ref": "WorkArn" }),
        ),
        (
            "own_queues",
            "Roles:/Resources/PortalRole/Properties/Policies/0/PolicyDocument/Statement/2/Action",
            json!(["sqs:SendMessage", "sqs:ReceiveMessage"]),
        ),
        ("queue_policies", "Roles:/Resources/WorkPolicy/Properties/PolicyDocument/Statement/2", anyone()),
        ("queue_policies", "Roles:/Resources/WorkPolicy/Properties/PolicyDocument/Statement/0", Value::Null),
        ("queue_policies", "Roles:/Resources/ProvisionDlqPolicy", Value::Null),
        (
            "queue_policies",
            "Roles:/Resources/WorkDlqPolicy/Properties/PolicyDocument/Statement/0/Condition",
            Value::Null,
        ),
    ]
}

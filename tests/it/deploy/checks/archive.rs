//! The bucket of exports and backups: closed, encrypted, without versions; and who reaches what in it.

use serde_json::json;

use super::unless;
use crate::deploy::template::{Stacks, list};

/// Nothing is public, everything is encrypted with our key, nothing travels in plain text, and what is deleted is gone.
pub(super) fn bucket(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let buckets = stacks.of_type("AWS::S3::Bucket").count();
    wrong.extend(unless(buckets == 1, format!("{buckets} buckets")));
    let bucket = stacks.get("Archive", "Bucket");
    let properties = &bucket["Properties"];
    for block in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
        let blocked = properties["PublicAccessBlockConfiguration"][block] == true;
        wrong.extend(unless(blocked, format!("{block} is off")));
    }
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    let by_default = &encryption["ServerSideEncryptionByDefault"];
    let key = stacks.target("Archive", &by_default["KMSMasterKeyID"]);
    let under_ours = key == Some(("Secrets".to_owned(), "Key".to_owned()));
    wrong.extend(unless(by_default["SSEAlgorithm"] == "aws:kms" && under_ours, "not under our key"));
    wrong.extend(unless(properties["VersioningConfiguration"].is_null(), "a deleted object would stay"));
    wrong.extend(unless(bucket["DeletionPolicy"] == "Retain", "it goes with the stack"));
    let policy = &stacks.get("Archive", "BucketPolicy")["Properties"]["PolicyDocument"]["Statement"];
    let statements = list(policy);
    let refuses_only = statements.iter().all(|statement| statement["Effect"] == "Deny");
    wrong.extend(unless(refuses_only, "its policy lets somebody in"));
    let tls = statements.iter().any(|statement| {
        statement["Condition"]["Bool"]["aws:SecureTransport"] == "false" && statement["Action"] == "s3:*"
    });
    wrong.extend(unless(tls, "plain text"));
    wrong
}

/// The steward alone writes and removes; the portal reads exports alone; nobody else has a way in.
pub(super) fn access(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for role in stacks.of_type("AWS::IAM::Role") {
        for policy in list(&role.body["Properties"]["Policies"]) {
            for statement in list(&policy["PolicyDocument"]["Statement"]) {
                let actions: Vec<&str> =
                    list(&statement["Action"]).iter().filter_map(|action| action.as_str()).collect();
                if actions.iter().any(|action| action.starts_with("s3:")) {
                    found.push((role.id.to_owned(), actions.join(" "), statement["Resource"].clone()));
                }
            }
        }
    }
    let bucket =
        |rest: &str| json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:s3:::${{ArchiveBucket}}{rest}") });
    let wanted = [
        ("PortalRole", "s3:GetObject", bucket("/*/export/*")),
        ("StewardRole", "s3:GetObject s3:PutObject s3:DeleteObject", bucket("/*")),
        ("StewardRole", "s3:ListBucket", bucket("")),
    ];
    let wanted = wanted.map(|(role, actions, place)| (role.to_owned(), actions.to_owned(), place));
    found.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    wrong.extend(unless(found == wanted, format!("{found:?}")));
    wrong
}

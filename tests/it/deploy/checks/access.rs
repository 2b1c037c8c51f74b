//! Who may do what: roles, secrets, queues and the way out of the network.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{functions, unless};
use crate::deploy::template::{ROOT, Stacks, list};

/// What Lambda itself needs to attach a function to the network; the one thing allowed on every resource.
const INTERFACES: [&str; 6] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

/// What each function may read. Each also has a database login of its own.
const SECRETS: &[(&str, &[&str])] = &[
    ("Signin", &["SigninLogin", "SessionKey", "OidcClientSecret"]),
    ("Portal", &["PortalLogin", "RootKey", "QueueRoot", "SessionKey"]),
    ("Scheduler", &["SchedulerLogin", "QueueRoot"]),
    (
        "Steward",
        &[
            "StewardLogin",
            "SigninLogin",
            "PortalLogin",
            "SchedulerLogin",
            "DispatcherLogin",
            "OperatorsLogin",
            "RootKey",
        ],
    ),
    ("Dispatcher", &["DispatcherLogin", "RootKey", "QueueRoot"]),
    ("Operators", &["OperatorsLogin", "OperatorsSessionKey", "OperatorsOidcClientSecret"]),
];

/// Who sends to and who takes from which queue.
const QUEUES: &[(&str, &[&str], &[&str])] = &[
    ("Signin", &["Provision"], &[]),
    ("Portal", &["Provision", "Work"], &[]),
    ("Scheduler", &["Work"], &[]),
    ("Steward", &["Provision"], &["Provision"]),
    ("Dispatcher", &["Work"], &["Work"]),
    ("Operators", &[], &[]),
];

/// A role each, and of the same name.
pub(super) fn own_role(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for function in functions(stacks) {
        let role = stacks.target(ROOT, &function.body["Properties"]["Role"]);
        let own = role == Some(("Roles".to_owned(), format!("{}Role", function.id)));
        wrong.extend(unless(own, format!("{}: {role:?}", function.id)));
        let trusted =
            &stacks.get("Roles", &format!("{}Role", function.id))["Properties"]["AssumeRolePolicyDocument"];
        let by_lambda = trusted["Statement"][0]["Principal"] == json!({ "Service": "lambda.amazonaws.com" });
        let alone = list(&trusted["Statement"]).len() == 1;
        wrong.extend(unless(by_lambda && alone, format!("{}: others may take its role", function.id)));
    }
    let roles = stacks.of_type("AWS::IAM::Role").count();
    wrong.extend(unless(roles == functions(stacks).len(), format!("{roles} roles")));
    wrong
}

/// No allowed action and no allowed resource is a wildcard, but for the network interfaces.
pub(super) fn no_wildcards(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for (owner, statement) in allowed(stacks) {
        let actions: BTreeSet<&str> =
            list(&statement["Action"]).iter().filter_map(|action| action.as_str()).collect();
        wrong.extend(unless(
            !actions.iter().any(|action| action.contains('*')),
            format!("{owner}: any action"),
        ));
        wrong.extend(unless(statement["NotAction"].is_null(), format!("{owner}: all actions but some")));
        let anywhere = list(&statement["Resource"]).contains(&&json!("*"));
        let interfaces = actions == BTreeSet::from(INTERFACES);
        wrong.extend(unless(!anywhere || interfaces, format!("{owner}: {actions:?} on any resource")));
        wrong.extend(unless(statement["Resource"] != Value::Null, format!("{owner}: no resource")));
    }
    let common = &stacks.get("Roles", "Common")["Properties"]["PolicyDocument"]["Statement"];
    let denied =
        list(common).iter().any(|statement| statement["Effect"] == "Deny" && statement["Action"] == "ec2:*");
    wrong.extend(unless(denied, "a function's own code may move network interfaces"));
    wrong
}

/// Each function reads the secrets of its job and no other; of logins in further databases its own, by their names, and the
/// steward all, for it makes them.
pub(super) fn own_secrets(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for (function, secrets) in SECRETS {
        let whose =
            if *function == "Steward" { String::new() } else { format!("{}/", function.to_lowercase()) };
        let arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret";
        let further = json!({ "Fn::Sub": format!("{arn}:${{Prefix}}/login/{whose}*") }).to_string();
        let wanted: BTreeSet<String> = secrets.iter().map(|&name| name.to_owned()).chain([further]).collect();
        let read = reach(stacks, function, &["secretsmanager:GetSecretValue"]);
        let read = read.into_iter().map(|name| name.trim_end_matches("Attachment").to_owned()).collect();
        wrong.extend(unless(wanted == read, format!("{function} reads {read:?}")));
    }
    wrong
}

/// Each function sends to and takes from the queues of its job and no other.
pub(super) fn own_queues(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for (function, sends, takes) in QUEUES {
        let sent = reach(stacks, function, &["sqs:SendMessage"]);
        let taken = reach(stacks, function, &["sqs:ReceiveMessage", "sqs:DeleteMessage"]);
        let same = |found: &BTreeSet<String>, wanted: &[&str]| found.iter().eq(wanted.iter());
        wrong.extend(unless(same(&sent, sends), format!("{function} sends to {sent:?}")));
        wrong.extend(unless(same(&taken, takes), format!("{function} takes from {taken:?}")));
    }
    wrong
}

/// Every queue refuses plain text; a queue that functions send to names its senders; nobody is let in by a queue's policy.
pub(super) fn queue_policies(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut covered = BTreeMap::new();
    for policy in stacks.of_type("AWS::SQS::QueuePolicy") {
        let statements = list(&policy.body["Properties"]["PolicyDocument"]["Statement"]);
        let refuses_only = statements.iter().all(|statement| statement["Effect"] == "Deny");
        wrong.extend(unless(refuses_only, format!("{}: lets somebody in", policy.id)));
        let tls = statements.iter().any(|statement| {
            statement["Condition"]["Bool"]["aws:SecureTransport"] == "false" && statement["Action"] == "sqs:*"
        });
        wrong.extend(unless(tls, format!("{}: plain text", policy.id)));
        let senders = statements
            .iter()
            .filter(|statement| statement["Action"] == "sqs:SendMessage")
            .flat_map(|statement| list(&statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]))
            .filter_map(|role| stacks.target(policy.stack, role))
            .map(|(_, role)| role.trim_end_matches("Role").to_owned())
            .collect::<BTreeSet<String>>();
        let queue =
            stacks.target(policy.stack, &policy.body["Properties"]["Queues"][0]).unwrap_or_default().1;
        covered.insert(queue, senders);
    }
    for queue in stacks.of_type("AWS::SQS::Queue") {
        let wanted: BTreeSet<String> = QUEUES
            .iter()
            .filter(|(_, sends, _)| sends.contains(&queue.id))
            .map(|(function, ..)| (*function).to_owned())
            .collect();
        let found = covered.get(queue.id);
        wrong.extend(unless(found == Some(&wanted), format!("{}: senders {found:?}", queue.id)));
    }
    wrong
}

/// Only the dispatcher reaches vendors; both doors reach their identity provider; the rest, nothing outside.
pub(super) fn way_out(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open = BTreeSet::new();
    for group in stacks.of_type("AWS::EC2::SecurityGroup") {
        let rules = list(&group.body["Properties"]["SecurityGroupEgress"]);
        wrong.extend(unless(!rules.is_empty(), format!("{}: no list, so everything", group.id)));
        for rule in rules {
            let rules = rule["Fn::If"].as_array().map_or(vec![rule], |choice| choice[1..].iter().collect());
            let wide = rules
                .into_iter()
                .filter(|rule| rule["CidrIp"].is_string() && rule["CidrIp"] != "127.0.0.1/32");
            open.extend(wide.map(|rule| format!("{} {} {}", group.id, rule["FromPort"], rule["ToPort"])));
        }
    }
    let allowed = ["DispatcherGroup 443 443", "DispatcherGroup 5432 5432", "SigninGroup 443 443"];
    wrong.extend(unless(open.iter().eq(allowed.iter()), format!("ways out: {open:?}")));
    for function in functions(stacks) {
        let network = &function.body["Properties"]["VpcConfig"];
        let subnets = network["SubnetIds"]["Fn::Split"][1]["Fn::GetAtt"].as_str().unwrap_or_default();
        let group = stacks.target(ROOT, &network["SecurityGroupIds"][0]).unwrap_or_default().1;
        let wanted = match function.id {
            "Dispatcher" => ("Network.Outputs.EgressSubnets", "DispatcherGroup"),
            "Signin" | "Operators" => ("Network.Outputs.EgressSubnets", "SigninGroup"),
            _ => ("Network.Outputs.InsideSubnets", "InsideGroup"),
        };
        wrong.extend(unless(
            (subnets, group.as_str()) == wanted,
            format!("{}: {subnets} {group}", function.id),
        ));
    }
    for route in stacks.of_type("AWS::EC2::Route") {
        let table =
            stacks.target(route.stack, &route.body["Properties"]["RouteTableId"]).unwrap_or_default().1;
        wrong.extend(unless(table != "InsideRoutes", format!("{}: a way out of the inside", route.id)));
    }
    wrong
}

/// Every allowing statement of every role and managed policy, with its owner.
fn allowed(stacks: &Stacks) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for role in stacks.of_type("AWS::IAM::Role") {
        for policy in list(&role.body["Properties"]["Policies"]) {
            found.extend(
                list(&policy["PolicyDocument"]["Statement"]).into_iter().map(|s| (role.id.to_owned(), s)),
            );
        }
    }
    for policy in stacks.of_type("AWS::IAM::ManagedPolicy") {
        let statements = list(&policy.body["Properties"]["PolicyDocument"]["Statement"]);
        found.extend(statements.into_iter().map(|statement| (policy.id.to_owned(), statement)));
    }
    found.retain(|(_, statement)| statement["Effect"] == "Allow");
    found
}

/// The resources on which a function's role allows any of `actions`.
fn reach(stacks: &Stacks, function: &str, actions: &[&str]) -> BTreeSet<String> {
    let role = format!("{function}Role");
    allowed(stacks)
        .into_iter()
        .filter(|(owner, _)| *owner == role || owner == "Common")
        .filter(|(_, s)| list(&s["Action"]).iter().any(|a| a.as_str().is_some_and(|a| actions.contains(&a))))
        .flat_map(|(_, statement)| list(&statement["Resource"]))
        .map(|resource| stacks.target("Roles", resource).map_or_else(|| resource.to_string(), |(_, id)| id))
        .collect()
}

//! The functions: what each is told, what wakes it, how long it may take. The same names and figures as `template.yaml`.

use std::time::Duration;

use super::{OPERATORS_CLIENT_ID, Stack, StackError, secrets};
use crate::cloud::{EventSourceSettings, FunctionSettings, QueueSettings, RouteSettings, TickSettings};
use crate::people::OPERATIONS;
use crate::settings::StackSettings;

/// How many instances of a function run side by side.
const INSTANCES: usize = 4;
/// Deliveries before a message goes to the dead-letter queue.
const RECEIVES: u32 = 5;

/// Makes the queues and declares the functions.
pub(super) fn declare(stack: &Stack, settings: &StackSettings) -> Result<(), StackError> {
    let queue = |name: &str, hidden_s: u64| -> Result<String, StackError> {
        let dead = format!("{name}-dlq");
        let visibility_timeout = Duration::from_secs(hidden_s);
        stack.cloud.create_queue(QueueSettings { name: dead.clone(), visibility_timeout, redrive: None })?;
        let redrive = Some((dead, RECEIVES));
        Ok(stack.cloud.create_queue(QueueSettings { name: name.to_owned(), visibility_timeout, redrive })?)
    };
    let queues = Queues { work: queue("work", 540)?, provision: queue("provision", 1800)? };
    for name in &settings.functions {
        stack.cloud.add_function(FunctionSettings {
            name: name.clone(),
            binary: settings.binaries.join(name),
            arguments: Vec::new(),
            environment: environment(stack, settings, &queues, name),
            timeout: settings.steward_timeout.filter(|_| name == "steward").unwrap_or_else(|| timeout(name)),
            max_instances: INSTANCES,
            user: None,
        })?;
    }
    Ok(())
}

/// Starts what wakes the functions.
pub(super) fn connect(stack: &Stack, settings: &StackSettings) -> Result<(), StackError> {
    let runs = |name: &str| settings.functions.iter().any(|it| it == name);
    for (queue, function) in [("work", "dispatcher"), ("provision", "steward")] {
        if runs(function) {
            let (queue, function) = (queue.to_owned(), function.to_owned());
            stack.cloud.subscribe(EventSourceSettings {
                queue,
                function,
                batch_size: 10,
                concurrency: INSTANCES,
            })?;
        }
    }
    let seal = r#"{"do":"seal"}"#;
    for (function, every_s, input) in
        [("scheduler", 60, None), ("steward", 300, None), ("steward", 60, Some(seal))]
    {
        if settings.ticks && runs(function) {
            let (function, every) = (function.to_owned(), Duration::from_secs(every_s));
            stack.cloud.tick(TickSettings { function, every, input: input.map(str::to_owned) })?;
        }
    }
    Ok(())
}

/// The gateway's routes.
pub(super) fn routes(settings: &StackSettings) -> Vec<RouteSettings> {
    [("ANY /auth/{proxy+}", "signin"), ("ANY /operators/{proxy+}", "operators"), ("$default", "portal")]
        .into_iter()
        .filter(|(_, function)| settings.functions.iter().any(|it| it == function))
        .map(|(key, function)| RouteSettings { key: key.to_owned(), function: function.to_owned() })
        .collect()
}

struct Queues {
    work: String,
    provision: String,
}

fn timeout(function: &str) -> Duration {
    Duration::from_secs(match function {
        "signin" | "portal" | "operators" => 15,
        "scheduler" => 50,
        "dispatcher" => 90,
        _ => 300,
    })
}

/// Everything a function is told, and nothing else.
fn environment(
    stack: &Stack,
    settings: &StackSettings,
    queues: &Queues,
    function: &str,
) -> Vec<(String, String)> {
    let arn = |name: &str| stack.cloud.secret_arn(name);
    let told = [
        ("DATABASE_SECRET_ARN", arn(&secrets::login(function)), ALL),
        ("ROOT_KEY_SECRET_ARN", arn(secrets::ROOT_KEY), &["portal", "dispatcher", "steward"]),
        ("QUEUE_ROOT_SECRET_ARN", arn(secrets::QUEUE_ROOT), &["portal", "scheduler", "dispatcher"]),
        ("SESSION_KEY_SECRET_ARN", arn(secrets::SESSION_KEY), &["signin", "portal"]),
        ("SESSION_KEY_SECRET_ARN", arn(secrets::OPERATORS_SESSION_KEY), OPERATORS),
        ("QUEUE_URL", queues.work.clone(), &["portal", "scheduler", "dispatcher"]),
        ("PROVISION_QUEUE_URL", queues.provision.clone(), &["signin", "portal", "steward"]),
        ("PUBLIC_URL", stack.url.clone(), &["signin", "portal", "operators"]),
        ("OIDC_AUTHORITY", stack.oidc.authority(), &["signin"]),
        ("OIDC_CLIENT_ID", stack.oidc.client_id().to_string(), &["signin"]),
        ("OIDC_CLIENT_SECRET_ARN", arn(secrets::OIDC_CLIENT), &["signin"]),
        ("OIDC_AUTHORITY", stack.oidc.issuer(OPERATIONS.directory_id), OPERATORS),
        ("OIDC_CLIENT_ID", OPERATORS_CLIENT_ID.to_string(), OPERATORS),
        ("OIDC_CLIENT_SECRET_ARN", arn(secrets::OPERATORS_OIDC_CLIENT), OPERATORS),
        ("OPERATORS_DIRECTORY_ID", OPERATIONS.directory_id.to_string(), OPERATORS),
        ("ONBOARDING", "listed".to_owned(), &["signin"]),
        ("EGRESS_ALLOW", egress(stack, settings), &["signin", "dispatcher", "operators"]),
        ("LOGIN_SECRET_ARNS", of_others(|name| arn(&secrets::login(name))), &["steward"]),
        ("LOGIN_SECRET_PREFIXES", of_others(secrets::prefix), &["steward"]),
        ("MORE_DATABASES", settings.databases.join(","), ALL),
        ("MORE_DATABASES_PREFIX", secrets::prefix(function), ALL),
        // To be tried out; nobody takes snapshots of this database.
        ("SHORTEST_GRACE_S", "1".to_owned(), &["portal"]),
        ("SNAPSHOT_DAYS", "0".to_owned(), &["steward"]),
        ("ARCHIVE_URL", archive(settings), &["portal", "steward"]),
        ("LOG", settings.log.clone(), ALL),
    ];
    let for_it = told
        .into_iter()
        .filter(|(_, _, functions): &(_, _, &[&str])| functions.is_empty() || functions.contains(&function));
    for_it.map(|(name, value, _)| (format!("SIGNALBOX_{name}"), value)).collect()
}

const ALL: &[&str] = &[];
const OPERATORS: &[&str] = &["operators"];

/// The loopback addresses that the demo needs and the rules for outgoing calls forbid.
fn egress(stack: &Stack, settings: &StackSettings) -> String {
    let warehouse = &stack.databases.warehouse;
    let demo = [stack.oidc.base().to_owned(), format!("postgres://{}:{}", warehouse.host, warehouse.port)];
    demo.iter().chain(&settings.extra_egress).map(String::as_str).collect::<Vec<_>>().join(",")
}

/// The folder that stands for the bucket.
fn archive(settings: &StackSettings) -> String {
    let folder = settings.data_dir.join("archive");
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    url::Url::from_file_path(folder).map_or_else(|()| String::new(), String::from)
}

/// Something of each function whose logins the steward makes.
fn of_others(of: impl Fn(&str) -> String) -> String {
    let others = crate::settings::FUNCTIONS.iter().filter(|name| **name != "steward");
    others.map(|name| of(name)).collect::<Vec<_>>().join(",")
}

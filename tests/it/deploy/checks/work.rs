//! Queues, clocks and alarms.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{functions, unless};
use crate::deploy::template::{ROOT, Resource, Stacks};

/// A message stays hidden for at least six times as long as its function may run.
pub(super) fn visibility(stacks: &Stacks) -> Vec<String> {
    let sources: Vec<Resource<'_>> = mappings(stacks);
    let mut wrong: Vec<String> = sources
        .iter()
        .filter_map(|mapping| {
            let properties = &mapping.body["Properties"];
            let queue = &queue_of(stacks, mapping)["Properties"];
            let (_, function) = stacks.target(ROOT, &properties["FunctionName"]).unwrap_or_default();
            let timeout = stacks.get(ROOT, &function)["Properties"]["Timeout"].as_u64();
            let hidden = queue["VisibilityTimeout"].as_u64().unwrap_or(30);
            unless(
                timeout.is_some_and(|seconds| hidden >= 6 * seconds),
                format!("{}: {hidden} s", mapping.id),
            )
        })
        .collect();
    wrong.extend(unless(sources.len() == 2, "two queues have a reader"));
    wrong
}

/// One poison message never delays nine good ones, and a batch is never held back to grow.
pub(super) fn partial_batches(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for mapping in mappings(stacks) {
        let properties = &mapping.body["Properties"];
        let partial = properties["FunctionResponseTypes"] == serde_json::json!(["ReportBatchItemFailures"]);
        wrong.extend(unless(partial, format!("{}: whole batches fail", mapping.id)));
        wrong.extend(unless(properties["BatchSize"] == 10, format!("{}: batch size", mapping.id)));
        let held = properties["MaximumBatchingWindowInSeconds"].as_u64();
        wrong.extend(unless(held == Some(0), format!("{}: batches wait", mapping.id)));
        let (_, function) = stacks.target(ROOT, &properties["FunctionName"]).unwrap_or_default();
        let reserved = stacks.get(ROOT, &function)["Properties"]["ReservedConcurrentExecutions"].as_u64();
        let taken = properties["ScalingConfig"]["MaximumConcurrency"].as_u64();
        let fits = taken.is_some() && taken <= reserved;
        wrong.extend(unless(fits, format!("{}: more readers than the function may have", mapping.id)));
    }
    wrong
}

/// A message that fails five times goes to a queue that keeps it longer and that nobody reads by itself.
pub(super) fn dead_letters(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for mapping in mappings(stacks) {
        let queue = &queue_of(stacks, &mapping)["Properties"];
        let policy = &queue["RedrivePolicy"];
        let (stack, id) = stacks.target("Queues", &policy["deadLetterTargetArn"]).unwrap_or_default();
        let dead = &stacks.get(&stack, &id)["Properties"];
        wrong.extend(unless(policy["maxReceiveCount"] == 5, format!("{}: receive count", mapping.id)));
        let longer = dead["MessageRetentionPeriod"].as_u64() > queue["MessageRetentionPeriod"].as_u64();
        wrong.extend(unless(longer, format!("{}: dead letters go first", mapping.id)));
        let end = dead["RedrivePolicy"].is_null() && dead.is_object();
        wrong.extend(unless(end, format!("{}: no end of the line", mapping.id)));
    }
    for queue in stacks.of_type("AWS::SQS::Queue") {
        let encrypted = queue.body["Properties"]["SqsManagedSseEnabled"] == true;
        wrong.extend(unless(encrypted, format!("{}: not encrypted", queue.id)));
    }
    wrong
}

/// The scheduler each minute, the steward each five and to seal each minute, and a lost tick is not tried again.
pub(super) fn ticks(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    for rule in stacks.of_type("AWS::Events::Rule") {
        let properties = &rule.body["Properties"];
        wrong.extend(unless(properties["State"] == "ENABLED", format!("{}: off", rule.id)));
        let (_, function) = stacks.target(ROOT, &properties["Targets"][0]["Arn"]).unwrap_or_default();
        let retries = &stacks.get(ROOT, &function)["Properties"]["EventInvokeConfig"]["MaximumRetryAttempts"];
        wrong.extend(unless(*retries == 0, format!("{function}: ticks are tried again")));
        let rate = properties["ScheduleExpression"].as_str().unwrap_or_default();
        let input = properties["Targets"][0]["Input"].as_str().unwrap_or_default();
        found.insert(format!("{function} {rate} {input}"));
    }
    let wanted = BTreeSet::from(
        ["Scheduler rate(1 minute) ", "Steward rate(5 minutes) ", r#"Steward rate(1 minute) {"do":"seal"}"#]
            .map(str::to_owned),
    );
    wrong.extend(unless(found == wanted, format!("ticks {found:?}")));
    wrong
}

/// Dead letters, old messages, a failing function and a silent clock each wake a person.
pub(super) fn alarms(stacks: &Stacks) -> Vec<String> {
    let mut wanted: Vec<String> = ["work-dlq", "provision-dlq"]
        .map(|queue| format!("ApproximateNumberOfMessagesVisible {queue}"))
        .into_iter()
        .chain(["work", "provision"].map(|queue| format!("ApproximateAgeOfOldestMessage {queue}")))
        .chain(["scheduler", "steward"].map(|tick| format!("Invocations {tick}")))
        .collect();
    wanted.extend(
        ["Leftovers ", "UnsealedAge ", "OperationsStuck ", "IsolationViolations "].map(str::to_owned),
    );
    wanted.extend(functions(stacks).iter().map(|function| format!("Errors {}", function.id.to_lowercase())));
    wanted.push("CrossingAttempts ".to_owned());
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    for alarm in stacks.of_type("AWS::CloudWatch::Alarm") {
        let properties = &alarm.body["Properties"];
        let told = properties["AlarmActions"] == serde_json::json!([{ "Ref": "Topic" }]);
        wrong.extend(unless(told, format!("{}: tells nobody", alarm.id)));
        let on = properties["ActionsEnabled"] != Value::Bool(false);
        wrong.extend(unless(on, format!("{}: off", alarm.id)));
        let metric = properties["MetricName"].as_str().unwrap_or_default();
        let of = properties["Dimensions"][0]["Value"]["Fn::Sub"].as_str().unwrap_or_default();
        found.insert(format!("{metric} {}", of.trim_start_matches("${Prefix}-")));
    }
    wrong.extend(
        wanted.into_iter().filter(|name| !found.contains(name)).map(|name| format!("{name}: no alarm")),
    );
    let counted: BTreeSet<String> = stacks
        .of_type("AWS::Logs::MetricFilter")
        .filter(|filter| filter.body["Properties"]["FilterPattern"] == r#"{ $.event = "crossing_attempt" }"#)
        .filter_map(|filter| {
            let of = filter.body["Properties"]["LogGroupName"]["Fn::Sub"].as_str()?;
            Some(of.trim_start_matches("/aws/lambda/${Prefix}-").to_owned())
        })
        .collect();
    let uncounted = functions(stacks).into_iter().map(|function| function.id.to_lowercase());
    let uncounted = uncounted.filter(|function| !counted.contains(function));
    wrong.extend(uncounted.map(|function| format!("{function}: crossing attempts are not counted")));
    let silent = &stacks.get("Alarms", "SchedulerSilent")["Properties"];
    let three_minutes = silent["Period"] == 60 && silent["EvaluationPeriods"] == 3;
    let loud =
        silent["TreatMissingData"] == "breaching" && silent["ComparisonOperator"] == "LessThanThreshold";
    wrong.extend(unless(three_minutes && loud, "three silent minutes of the scheduler go unheard"));
    wrong
}

fn mappings(stacks: &Stacks) -> Vec<Resource<'_>> {
    stacks.of_type("AWS::Lambda::EventSourceMapping").collect()
}

fn queue_of<'a>(stacks: &'a Stacks, mapping: &Resource<'_>) -> &'a Value {
    let source = stacks.target(mapping.stack, &mapping.body["Properties"]["EventSourceArn"]);
    let (stack, id) = source.unwrap_or_default();
    stacks.get(&stack, &id)
}

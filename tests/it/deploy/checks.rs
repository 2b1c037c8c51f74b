//! The safe settings of the template, as checks that list what is wrong. `mutations` proves that each can fail.

mod access;
mod archive;
mod data;
mod shape;
mod work;

use super::template::{Resource, Stacks};

/// One check: its name, and what it finds wrong.
pub(super) type Check = (&'static str, fn(&Stacks) -> Vec<String>);

/// Every check.
pub(super) const CHECKS: &[Check] = &[
    ("names", shape::names),
    ("routes", shape::routes),
    ("no_way_past_the_gateway", shape::no_way_past_the_gateway),
    ("logs", shape::logs),
    ("visibility", work::visibility),
    ("partial_batches", work::partial_batches),
    ("dead_letters", work::dead_letters),
    ("ticks", work::ticks),
    ("alarms", work::alarms),
    ("own_role", access::own_role),
    ("no_wildcards", access::no_wildcards),
    ("own_secrets", access::own_secrets),
    ("own_queues", access::own_queues),
    ("queue_policies", access::queue_policies),
    ("way_out", access::way_out),
    ("database", data::database),
    ("connections", data::connections),
    ("keys", data::keys),
    ("logins", data::logins),
    ("environment", data::environment),
    ("archive", archive::bucket),
    ("archive_access", archive::access),
];

#[test]
fn every_safe_setting_of_the_template_holds() {
    let stacks = Stacks::read();
    let wrong: Vec<String> = CHECKS
        .iter()
        .flat_map(|(name, check)| check(&stacks).into_iter().map(move |what| format!("{name}: {what}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The functions, by logical id.
fn functions(stacks: &Stacks) -> Vec<Resource<'_>> {
    stacks.of_type("AWS::Serverless::Function").collect()
}

/// `what` if `holds` does not.
fn unless(holds: bool, what: impl Into<String>) -> Option<String> {
    (!holds).then(|| what.into())
}

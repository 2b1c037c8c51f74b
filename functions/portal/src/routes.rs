//! The operations of the API, one file a resource, and what their bodies have in common.

mod api_tokens;
mod audit;
mod backup_schedule;
mod backups;
mod connection_tests;
mod connections;
mod credentials;
mod dashboard;
mod exports;
mod health;
mod invitations;
mod jobs;
mod lists;
mod me;
mod profiles;
mod roles;
mod runs;
mod schedules;
mod times;
mod usage;
mod users;
mod vaults;
mod workspace;

use serde::Deserialize;
use shared::model::{Problems, job::check_name};
use utoipa::ToSchema;

use crate::route::Route;

/// Every operation. What is not here is not served.
pub(crate) fn all() -> Vec<Route> {
    [
        health::routes(),
        me::routes(),
        vaults::routes(),
        credentials::routes(),
        connections::routes(),
        connection_tests::routes(),
        profiles::routes(),
        jobs::routes(),
        runs::routes(),
        schedules::routes(),
        users::routes(),
        invitations::routes(),
        roles::routes(),
        api_tokens::routes(),
        audit::routes(),
        workspace::routes(),
        exports::routes(),
        backup_schedule::routes(),
        backups::routes(),
        dashboard::routes(),
        usage::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An action that needs nothing said: no body, or an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Notes what is wrong with a name that people give.
fn check_named(problems: &mut Problems, pointer: &str, name: &str) {
    if let Some(message) = check_name(name) {
        problems.add(pointer, message);
    }
}

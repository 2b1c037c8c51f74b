//! PostgreSQL: one statement in one transaction, inside the call.
//!
//! The credential is the user's password. The statement and the attempt's mark in `signalbox.attempts` commit together.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ConnectionKind, KindDescription};
use crate::model::problem::Problems;

/// The longest a statement may run, in seconds.
pub const MAX_TIMEOUT_S: u32 = 60;

/// Where the database is and who we are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    #[schema(minimum = 1, maximum = 65535, default = 5432)]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The login.
    pub user: String,
    /// Whether TLS, with the server's name checked, is required.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub tls: bool,
}

/// What a task runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// One or more statements; with `args`, one. Not a template: values go into `args`.
    pub sql: String,
    /// Values of `$1`, `$2`, …; texts among them are templates.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub args: Vec<Value>,
    /// How long it may run, in seconds: 1 to 60.
    #[serde(default = "timeout")]
    #[schema(minimum = 1, maximum = 60, default = 60)]
    pub timeout_s: u32,
}

const fn port() -> u16 {
    5432
}
const fn yes() -> bool {
    true
}
const fn timeout() -> u32 {
    MAX_TIMEOUT_S
}

impl Settings {
    pub(super) fn check(&self) -> Problems {
        Problems::default()
    }
}

impl Start {
    pub(super) fn check(&self) -> Problems {
        Problems::default()
    }
}

pub(super) fn describe() -> KindDescription {
    KindDescription {
        kind: ConnectionKind::Postgres,
        title: "PostgreSQL",
        description: "Runs SQL on a PostgreSQL database, exactly once, for at most 60 seconds.",
        settings_schema: json!({}),
        start_schema: json!({}),
        credential: "the login's password",
        default_concurrency: ConnectionKind::Postgres.default_concurrency(),
    }
}

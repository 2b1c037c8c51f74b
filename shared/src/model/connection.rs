//! Connections: the kinds of platform, what is configured for each, and what a task starts on each.
//!
//! A kind is a file under `connection/`: its settings, its start, their checks and schemas. The portal validates with
//! them, the dispatcher's connectors read them. Only data: how a platform is called lives in the dispatcher.

pub mod airflow;
mod endpoint;
pub mod http;
pub mod postgres;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::{self, Problem};

pub use endpoint::{check_base_url, encode_step, join};

/// A kind of platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// SQL on a PostgreSQL database.
    Postgres,
    /// Any service that speaks HTTP and JSON.
    Http,
    /// Apache Airflow, by its REST API.
    Airflow,
}

/// What is configured for a connection, by kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "ConnectionKind documents each")]
pub enum Settings {
    Postgres(postgres::Settings),
    Http(http::Settings),
    Airflow(airflow::Settings),
}

/// What a task starts, by kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "ConnectionKind documents each")]
pub enum Start {
    Postgres(postgres::Start),
    Http(Box<http::Start>),
    Airflow(airflow::Start),
}

/// How a kind keeps a start from happening twice, and so what an expired lease may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdempotencyClass {
    /// The attempt id goes with the call and the platform refuses or returns the double: the same call may be made again.
    Token,
    /// The run bears our tag: search, adopt, start again only on proof of absence.
    Search,
    /// Neither: at most once, and a doubt is shown.
    None,
}

/// A kind as `/connection-kinds` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KindDescription {
    /// The kind.
    pub kind: ConnectionKind,
    /// Its name for people.
    pub title: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// JSON Schema of `settings`.
    #[schema(value_type = Object)]
    pub settings_schema: Value,
    /// JSON Schema of a task's `start`.
    #[schema(value_type = Object)]
    pub start_schema: Value,
    /// What the credential's value is.
    pub credential: &'static str,
    /// How much may be in flight when no concurrency profile says otherwise.
    pub default_concurrency: u32,
}

impl ConnectionKind {
    /// Every kind.
    pub const ALL: &[ConnectionKind] =
        &[ConnectionKind::Postgres, ConnectionKind::Http, ConnectionKind::Airflow];

    /// The text used in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionKind::Postgres => "postgres",
            ConnectionKind::Http => "http",
            ConnectionKind::Airflow => "airflow",
        }
    }

    /// How much may be in flight on a connection when no concurrency profile says otherwise.
    #[must_use]
    pub const fn default_concurrency(self) -> u32 {
        match self {
            ConnectionKind::Postgres => 8,
            ConnectionKind::Http | ConnectionKind::Airflow => 16,
        }
    }

    /// What `/connection-kinds` says of it.
    #[must_use]
    pub fn describe(self) -> KindDescription {
        match self {
            ConnectionKind::Postgres => postgres::describe(),
            ConnectionKind::Http => http::describe(),
            ConnectionKind::Airflow => airflow::describe(),
        }
    }

    /// Fields of a start that are sent as they stand: no template is rendered in them.
    #[must_use]
    pub const fn literal_fields(self) -> &'static [&'static str] {
        match self {
            // Values go into `args`: a template inside SQL would be an injection waiting to happen.
            ConnectionKind::Postgres => &["sql"],
            ConnectionKind::Http | ConnectionKind::Airflow => &[],
        }
    }

    /// Fields of a start in which each template's value is percent-encoded as one step of a path.
    #[must_use]
    pub const fn path_fields(self) -> &'static [&'static str] {
        match self {
            ConnectionKind::Http => &["/path", "/poll/path", "/cancel/path"],
            ConnectionKind::Postgres | ConnectionKind::Airflow => &[],
        }
    }

    /// Checks a task's start at save, when its texts may still be templates.
    #[must_use]
    pub fn check_start(self, start: &Value) -> Vec<Problem> {
        match Start::read(self, start) {
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        }
    }
}

impl Settings {
    /// Reads and checks a connection's settings. Pointers are relative to `settings`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(kind: ConnectionKind, settings: &Value) -> Result<Self, Vec<Problem>> {
        match kind {
            ConnectionKind::Postgres => {
                let read: postgres::Settings = problem::read(settings)?;
                read.check().or(Self::Postgres(read))
            }
            ConnectionKind::Http => {
                let read: http::Settings = problem::read(settings)?;
                read.check().or(Self::Http(read))
            }
            ConnectionKind::Airflow => {
                let read: airflow::Settings = problem::read(settings)?;
                read.check().or(Self::Airflow(read))
            }
        }
    }

    /// Their kind.
    #[must_use]
    pub const fn kind(&self) -> ConnectionKind {
        match self {
            Settings::Postgres(_) => ConnectionKind::Postgres,
            Settings::Http(_) => ConnectionKind::Http,
            Settings::Airflow(_) => ConnectionKind::Airflow,
        }
    }

    /// Where it is, for people: no user, no secret.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match self {
            Settings::Postgres(s) => format!("postgres://{}:{}/{}", s.host, s.port, s.database),
            Settings::Http(s) => s.base_url.clone(),
            Settings::Airflow(s) => s.base_url.clone(),
        }
    }

    /// Whether a credential has to be configured.
    #[must_use]
    pub const fn needs_credential(&self) -> bool {
        match self {
            Settings::Postgres(_) | Settings::Airflow(_) => true,
            Settings::Http(s) => !matches!(s.auth, http::Auth::None {}),
        }
    }

    /// Link to a run in the platform's own pages, where it has any.
    #[must_use]
    pub fn external_url(&self, start: &Start, external_id: &str) -> Option<String> {
        match (self, start) {
            (Settings::Airflow(s), Start::Airflow(start)) => Some(s.run_url(&start.dag_id, external_id)),
            _ => None,
        }
    }
}

impl Start {
    /// Reads and checks what a task starts, before or after its templates are rendered. Pointers are relative to `start`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(kind: ConnectionKind, start: &Value) -> Result<Self, Vec<Problem>> {
        match kind {
            ConnectionKind::Postgres => {
                let read: postgres::Start = problem::read(start)?;
                read.check().or(Self::Postgres(read))
            }
            ConnectionKind::Http => {
                let read: http::Start = problem::read(start)?;
                read.check().or(Self::Http(Box::new(read)))
            }
            ConnectionKind::Airflow => {
                let read: airflow::Start = problem::read(start)?;
                read.check().or(Self::Airflow(read))
            }
        }
    }
}

/// How a start on a connection is kept from happening twice.
#[must_use]
pub fn idempotency(settings: &Settings, start: &Start) -> IdempotencyClass {
    match (settings, start) {
        // The attempt id is a key of `signalbox.attempts` in the customer's database, written in the statement's own transaction.
        (Settings::Postgres(_), _) => IdempotencyClass::Token,
        // The attempt id is the `dag_run_id`, unique in its DAG.
        (Settings::Airflow(_), _) => IdempotencyClass::Token,
        (Settings::Http(settings), Start::Http(start)) => http::idempotency(settings, start),
        (Settings::Http(_), _) => IdempotencyClass::None,
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of connection")]
pub struct UnknownKind(pub String);

impl FromStr for ConnectionKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        ConnectionKind::ALL
            .iter()
            .copied()
            .find(|k| k.as_str() == text)
            .ok_or_else(|| UnknownKind(text.into()))
    }
}

impl fmt::Display for ConnectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The JSON Schema of a type, as `/connection-kinds` shows it.
fn schema_of<T: utoipa::PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).expect("a schema is JSON")
}

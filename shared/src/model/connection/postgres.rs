//! PostgreSQL: one statement in one transaction, inside the call.
//!
//! The credential is the user's password. The statement and the attempt's mark in `signalbox.attempts` commit together.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ConnectionKind, KindDescription, schema_of};
use crate::model::problem::Problems;

/// The longest a statement may run, in seconds.
pub const MAX_TIMEOUT_S: u32 = 60;
/// The longest SQL, in bytes.
pub const MAX_SQL: usize = 256 * 1024;
/// The most values.
pub const MAX_ARGS: usize = 100;

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
    #[schema(value_type = Vec<Value>, max_items = 100)]
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
        let mut problems = Problems::default();
        let host = !self.host.is_empty()
            && self.host.len() <= 253
            && self.host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
        problems.unless(host, "/host", "must be one host name or address");
        problems.unless(self.port != 0, "/port", "must be 1 to 65,535");
        problems.unless(
            is_identifier(&self.database),
            "/database",
            "must be 1 to 63 bytes, none of them zero",
        );
        problems.unless(is_identifier(&self.user), "/user", "must be 1 to 63 bytes, none of them zero");
        problems
    }
}

/// PostgreSQL cuts names at 63 bytes; a longer one would be another one.
fn is_identifier(name: &str) -> bool {
    (1..=63).contains(&name.len()) && !name.chars().any(char::is_control)
}

impl Start {
    pub(super) fn check(&self) -> Problems {
        let mut problems = Problems::default();
        problems.unless(!self.sql.trim().is_empty(), "/sql", "must not be empty");
        problems.unless(self.sql.len() <= MAX_SQL, "/sql", format!("must be at most {MAX_SQL} bytes"));
        problems.unless(!self.sql.contains('\0'), "/sql", "must not contain a zero byte");
        problems.unless(self.args.len() <= MAX_ARGS, "/args", format!("must be at most {MAX_ARGS} values"));
        let advice = "must be 1 to 60: a statement runs inside one call; for longer work start a job of the database's own and poll it";
        problems.unless((1..=MAX_TIMEOUT_S).contains(&self.timeout_s), "/timeout_s", advice);
        problems
    }
}

pub(super) fn describe() -> KindDescription {
    KindDescription {
        kind: ConnectionKind::Postgres,
        title: "PostgreSQL",
        description: "Runs SQL on a PostgreSQL database, exactly once, for at most 60 seconds.",
        settings_schema: schema_of::<Settings>(),
        start_schema: schema_of::<Start>(),
        credential: "the login's password",
        default_concurrency: ConnectionKind::Postgres.default_concurrency(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Settings as AnySettings, Start as AnyStart};
    use super::*;

    fn start(body: Value) -> Result<AnyStart, Vec<String>> {
        AnyStart::read(ConnectionKind::Postgres, &body)
            .map_err(|problems| problems.into_iter().map(|p| p.pointer).collect())
    }

    #[test]
    fn a_statement_longer_than_a_call_is_refused_with_advice() {
        let problems =
            AnyStart::read(ConnectionKind::Postgres, &json!({ "sql": "select 1", "timeout_s": 61 }))
                .expect_err("too long");
        assert_eq!(problems[0].pointer, "/timeout_s");
        assert!(problems[0].message.contains("start a job"), "{problems:?}");
    }

    #[test]
    fn bad_starts_name_what_is_bad() {
        assert_eq!(start(json!({ "sql": " " })), Err(vec!["/sql".into()]));
        assert_eq!(start(json!({ "sql": "select 1\u{0}" })), Err(vec!["/sql".into()]));
        assert_eq!(start(json!({ "sql": "select 1", "args": 5 })), Err(vec!["/args".into()]));
        assert!(start(json!({ "sql": "select $1", "args": [null, 1, "x", [1], { "a": 1 }] })).is_ok());
    }

    #[test]
    fn a_host_is_one_host() {
        for host in ["", "a,b", "/var/run", "db host", "db/x", "u@db"] {
            let settings = json!({ "host": host, "database": "d", "user": "u" });
            assert!(AnySettings::read(ConnectionKind::Postgres, &settings).is_err(), "{host}");
        }
        for host in ["db.example.com", "10.0.0.1", "::1"] {
            let settings = json!({ "host": host, "database": "d", "user": "u" });
            let read = AnySettings::read(ConnectionKind::Postgres, &settings).expect("a host");
            assert!(matches!(read, AnySettings::Postgres(s) if s.tls && s.port == 5432));
        }
    }
}

//! Any service that speaks HTTP: start, optionally poll, optionally cancel.
//!
//! Without `poll` the answer to the start is the end. Calls go to the host of `base_url` and to no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use method::Method;

use super::endpoint::wrong_with_path;
use super::{ConnectionKind, IdempotencyClass, KindDescription, check_base_url, schema_of};
use crate::model::problem::{Problems, pointer_step};

mod method;

/// Where the service is and how we show who we are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Every path is joined to it; calls go to its host and to no other.
    #[schema(example = "https://jobs.example.com/v1")]
    pub base_url: String,
    /// How the credential is sent.
    #[serde(default)]
    #[schema(inline)]
    pub auth: Auth,
    /// Header that carries the attempt id, if the service refuses or returns doubles by it (often `Idempotency-Key`).
    /// Without it a start that is not idempotent by its method happens at most once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
}

/// How the credential is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all.
    None {},
    /// As the password of a user.
    Basic {
        /// The user.
        user: String,
    },
    /// As a bearer token.
    Bearer {},
    /// As the value of a header.
    Header {
        /// The header.
        name: String,
    },
}

impl Default for Auth {
    fn default() -> Self {
        Self::None {}
    }
}

/// What a task starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The method.
    #[serde(default)]
    #[schema(inline)]
    pub method: Method,
    /// Joined to the base URL. A template.
    #[schema(example = "/jobs/17/runs")]
    pub path: String,
    /// Query parameters. Templates.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Headers. Templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON body; texts in it are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Statuses that mean "started" (or, without `poll`, "done").
    #[serde(default = "success_codes")]
    pub success_codes: Vec<u16>,
    /// JSON Pointer of the run's id in the answer; without it the `Location` header is the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/run/id")]
    pub run_id_pointer: Option<String>,
    /// How to ask how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub poll: Option<Poll>,
    /// How to stop it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub cancel: Option<Cancel>,
}

/// How to ask how a run stands: a GET.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// Joined to the base URL; `{run_id}` stands for the run's id.
    #[schema(example = "/runs/{run_id}")]
    pub path: String,
    /// JSON Pointer of the state in the answer.
    #[schema(example = "/state")]
    pub state_pointer: String,
    /// What the service's states mean. One that is not listed means running, with a warning.
    #[schema(inline)]
    pub states: BTreeMap<String, PolledState>,
    /// Seconds between polls at first: 1 to 3,600.
    #[serde(default = "interval")]
    #[schema(minimum = 1, maximum = 3600, default = 10)]
    pub interval_s: u32,
    /// JSON Pointer of the outputs in the last answer; without it there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_pointer: Option<String>,
}

/// What a service's state means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the states of a task run")]
pub enum PolledState {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
}

/// How to stop a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The method.
    #[serde(default)]
    #[schema(inline)]
    pub method: Method,
    /// Joined to the base URL; `{run_id}` stands for the run's id.
    #[schema(example = "/runs/{run_id}/cancel")]
    pub path: String,
}

fn success_codes() -> Vec<u16> {
    vec![200, 201, 202, 204]
}
const fn interval() -> u32 {
    10
}

/// Headers that a task may not set: they are ours, the connection's, or the transport's.
const OURS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

impl Settings {
    pub(super) fn check(&self) -> Problems {
        let mut problems = Problems::default();
        check_base_url(&self.base_url, "/base_url", &mut problems);
        match &self.auth {
            Auth::None {} | Auth::Bearer {} => {}
            Auth::Basic { user } => {
                let fine = (1..=200).contains(&user.chars().count())
                    && !user.chars().any(|c| c.is_control() || c == ':');
                problems.unless(fine, "/auth/user", "must be 1 to 200 characters, without `:`");
            }
            Auth::Header { name } => check_header(name, "/auth/name", &mut problems),
        }
        if let Some(name) = &self.idempotency_header {
            check_header(name, "/idempotency_header", &mut problems);
        }
        problems
    }
}

/// A name as RFC 9110 5.6.2 allows, that is not one of [`OURS`]; `authorization` is set by `auth` only.
fn check_header(name: &str, pointer: &str, problems: &mut Problems) {
    let token = (1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    problems.unless(token, pointer, "must be a header's name");
    let ours = OURS.contains(&name.to_ascii_lowercase().as_str());
    problems.unless(!ours, pointer, "this header can't be set here");
}

impl Start {
    pub(super) fn check(&self) -> Problems {
        let mut problems = Problems::default();
        check_path(&self.path, false, "/path", &mut problems);
        problems.unless(self.query.len() <= 100, "/query", "must be at most 100 parameters");
        problems.unless(self.headers.len() <= 50, "/headers", "must be at most 50 headers");
        for (name, value) in &self.headers {
            let pointer = format!("/headers/{}", pointer_step(name));
            check_header(name, &pointer, &mut problems);
            let fine = value.len() <= 4000 && !value.chars().any(char::is_control);
            problems.unless(fine, &pointer, "must be at most 4,000 bytes, without control characters");
        }
        let codes = (1..=20).contains(&self.success_codes.len())
            && self.success_codes.iter().all(|code| (200..400).contains(code));
        problems.unless(codes, "/success_codes", "must be 1 to 20 statuses from 200 to 399");
        check_pointer(self.run_id_pointer.as_deref(), "/run_id_pointer", &mut problems);
        match (&self.poll, &self.cancel) {
            (Some(poll), _) => poll.check(&mut problems),
            (None, Some(_)) => {
                problems.add("/cancel", "needs `poll`: without it the answer to the start is the end")
            }
            (None, None) => {}
        }
        if let Some(cancel) = &self.cancel {
            check_path(&cancel.path, true, "/cancel/path", &mut problems);
        }
        problems
    }
}

impl Poll {
    fn check(&self, problems: &mut Problems) {
        check_path(&self.path, true, "/poll/path", problems);
        check_pointer(Some(&self.state_pointer), "/poll/state_pointer", problems);
        check_pointer(self.outputs_pointer.as_deref(), "/poll/outputs_pointer", problems);
        problems.unless(self.states.len() <= 100, "/poll/states", "must be at most 100 states");
        let ends = self.states.values().any(|state| *state == PolledState::Succeeded);
        problems.unless(ends, "/poll/states", "must name at least one state that means \"succeeded\"");
        problems.unless((1..=3600).contains(&self.interval_s), "/poll/interval_s", "must be 1 to 3,600");
    }
}

fn check_path(path: &str, query: bool, pointer: &str, problems: &mut Problems) {
    if let Some(wrong) = wrong_with_path(path, query) {
        problems.add(pointer, wrong);
    }
}

fn check_pointer(value: Option<&str>, pointer: &str, problems: &mut Problems) {
    let fine = value.is_none_or(|text| text.len() <= 500 && (text.is_empty() || text.starts_with('/')));
    problems.unless(fine, pointer, "must be a JSON Pointer, such as /run/id");
}

pub(super) fn idempotency(settings: &Settings, start: &Start) -> IdempotencyClass {
    if settings.idempotency_header.is_some() || start.method.is_idempotent() {
        IdempotencyClass::Token
    } else {
        IdempotencyClass::None
    }
}

pub(super) fn describe() -> KindDescription {
    KindDescription {
        kind: ConnectionKind::Http,
        title: "HTTP",
        description: "Starts, polls and stops jobs of any service with an HTTP API.",
        settings_schema: schema_of::<Settings>(),
        start_schema: schema_of::<Start>(),
        credential: "password, token or key, as `auth` says",
        default_concurrency: ConnectionKind::Http.default_concurrency(),
    }
}

#[cfg(test)]
mod tests;

//! Any service that speaks HTTP: start, optionally poll, optionally cancel.
//!
//! Without `poll` the answer to the start is the end. Calls go to the host of `base_url` and to no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ConnectionKind, IdempotencyClass, KindDescription};
use crate::model::problem::Problems;

/// Where the service is and how we show who we are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Every path is joined to it; calls go to its host and to no other.
    #[schema(example = "https://jobs.example.com/v1")]
    pub base_url: String,
    /// How the credential is sent.
    #[serde(default)]
    pub auth: Auth,
    /// Header that carries the attempt id, if the service refuses or returns doubles by it (often `Idempotency-Key`).
    /// Without it a start that is not idempotent by its method happens at most once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
}

/// How the credential is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// As the password of a user.
    Basic {
        /// The user.
        user: String,
    },
    /// As a bearer token.
    Bearer,
    /// As the value of a header.
    Header {
        /// The header.
        name: String,
    },
}

/// A method a task may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110 documents each")]
pub enum Method {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

/// What a task starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The method.
    #[serde(default)]
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
    #[schema(value_type = Object)]
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
    pub poll: Option<Poll>,
    /// How to stop it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

impl Method {
    /// As RFC 9110 writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether repeating it changes nothing (RFC 9110 9.2.2).
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Method::Get | Method::Put | Method::Delete)
    }
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
        settings_schema: json!({}),
        start_schema: json!({}),
        credential: "password, token or key, as `auth` says",
        default_concurrency: ConnectionKind::Http.default_concurrency(),
    }
}

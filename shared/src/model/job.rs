//! A job: a graph of tasks, as its author writes it and as a job version stores it.
//!
//! The API reads one with [`super::problem::read`], checks it with [`validate`] and stores it; a run is pinned to what was stored.

mod check;
mod names;
mod templates;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::connection::ConnectionKind;
use super::problem::Problem;
use super::retry::RetryPolicy;

pub use super::graph::TriggerRule;
pub use names::{check_name, check_task_name};
pub use templates::RUN_FIELDS;

/// The most tasks a job may have.
pub const MAX_TASKS: usize = 500;
/// The most dependencies a job may have, over all of its tasks.
pub const MAX_EDGES: usize = 2000;
/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest time limit, in seconds: 30 days.
pub const MAX_TIMEOUT_S: u32 = 30 * 86_400;

/// What a job does: the body of `POST /jobs` and `PUT /jobs/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobDefinition {
    /// Unique in the workspace; at most 100 characters.
    #[schema(example = "nightly-sales", max_length = 100)]
    pub name: String,
    /// What it is for, for people; at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema (2020-12) of the run's parameters, with their defaults. Only what stands under `properties` may be used in templates,
    /// unless `additionalProperties` is given and not false.
    #[serde(default = "any_object")]
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// 1 to 500 tasks.
    pub tasks: Vec<Task>,
    /// How many runs of this job may be active at once, 1 to 1,000; more wait. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_active_runs: Option<u32>,
}

/// One step of a job: what to start, where, and after what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Unique in the job; letters, digits, `_` and `-`, at most 100.
    #[schema(example = "load", max_length = 100, pattern = "^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
    pub name: String,
    /// Name of the connection it runs on.
    #[schema(example = "warehouse")]
    pub connection: String,
    /// What to start there; its shape follows from the connection's kind. Texts in it are templates.
    #[schema(value_type = Object)]
    pub start: Value,
    /// Names of the tasks it comes after.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// When, given those, it runs.
    #[serde(default)]
    pub trigger_rule: TriggerRule,
    /// An expression; if it is false the task is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "tasks.load.outputs.rows > 0")]
    pub run_if: Option<String>,
    /// When it is tried again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Its time limits.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// 1 (last) to 10 (first) among the waiting work of its concurrency key.
    #[serde(default = "middle")]
    #[schema(minimum = 1, maximum = 10, default = 5)]
    pub priority: u8,
    /// How much of its concurrency key's limit it takes: 1 to 1,000.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    pub weight: u32,
}

/// Time limits in seconds, 1 to 2,592,000 (30 days); one that is absent does not limit, save where it says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// From ready to started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2592000)]
    pub schedule_to_start_s: Option<u32>,
    /// The start call itself: at most 60; 30 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 60)]
    pub start_s: Option<u32>,
    /// From started to ended, each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2592000)]
    pub start_to_close_s: Option<u32>,
    /// From ready to ended, all attempts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2592000)]
    pub schedule_to_close_s: Option<u32>,
    /// From asking it to stop to seeing it stopped; 600 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2592000)]
    pub cancel_confirm_s: Option<u32>,
}

impl Timeouts {
    /// Longest a start call may take.
    pub const MAX_START_S: u32 = 60;

    /// How long the start call may take, in seconds.
    #[must_use]
    pub fn start(self) -> u32 {
        self.start_s.unwrap_or(30)
    }

    /// How long a stop may go unconfirmed, in seconds.
    #[must_use]
    pub fn cancel_confirm(self) -> u32 {
        self.cancel_confirm_s.unwrap_or(600)
    }
}

fn any_object() -> Value {
    serde_json::json!({ "type": "object" })
}
const fn one() -> u32 {
    1
}
const fn middle() -> u8 {
    5
}

/// A name that a template uses, and where. Found by `shared::template::variables_of`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// JSON Pointer of the text it stands in, from the value that was searched.
    pub pointer: String,
    /// Its steps as far as they are written out: `["tasks", "load", "outputs", "rows"]`.
    pub path: Vec<String>,
}

/// Finds the variables of all templates in a value, or says which texts are no templates.
pub type VariablesOf<'a> = &'a dyn Fn(&Value) -> Result<Vec<Variable>, Vec<Problem>>;
/// The kind of the connection that bears a name; `None` if there is none.
pub type KindOf<'a> = &'a dyn Fn(&str) -> Option<ConnectionKind>;

/// Everything that can be known to be wrong with a job before it runs. Takes time linear in tasks and dependencies.
///
/// `variables_of` is `shared::template::variables_of`, passed in since the model renders nothing.
#[must_use]
pub fn validate(job: &JobDefinition, kind_of: KindOf<'_>, variables_of: VariablesOf<'_>) -> Vec<Problem> {
    check::job(job, kind_of, variables_of)
}

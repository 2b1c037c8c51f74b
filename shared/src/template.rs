//! Templates in a task's start: `{{ expression }}` in any text, over `params`, `run` and `tasks.<name>.outputs`.
//!
//! The dispatcher renders a start just before the call ([`render`], [`condition`]); the portal asks at save what a start
//! names ([`variables_of`]). Only expressions: no blocks, no includes, no macros, no loops; everything else in a text is literal.
//! What could make much out of little (repetition, `~`, unbounded filters) is refused before anything is evaluated.

mod evaluate;
mod scan;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

use crate::model::connection::{ConnectionKind, encode_step};
use crate::model::job::Variable;
use crate::model::problem::{Problem, Problems, pointer_step};

use evaluate::Evaluator;
use scan::Piece;

/// The largest rendered value, in bytes.
pub const MAX_RENDERED: usize = 256 * 1024;

/// What templates can name.
#[derive(Debug, Clone, Serialize)]
pub struct Context {
    /// The run's parameters: an object.
    pub params: Value,
    /// The run: an object of [`crate::model::job::RUN_FIELDS`].
    pub run: Value,
    /// `{name: {"outputs": …}}` of the tasks upstream that have ended.
    pub tasks: Value,
}

/// Renders every text of a task's start, for its kind of connection. A text that is exactly one expression becomes that
/// expression's JSON value; fields that are sent as they stand are left alone, and values put into paths
/// are percent-encoded, so that a parameter can't choose another path.
///
/// # Errors
/// Each text that can't be rendered, with its pointer from the start; a rendered value past [`MAX_RENDERED`].
pub fn render(kind: ConnectionKind, start: &Value, context: &Context) -> Result<Value, Vec<Problem>> {
    Rendering::new(context, kind.literal_fields(), kind.path_fields()).whole(start)
}

/// Evaluates a `run_if`, with or without its braces.
///
/// # Errors
/// It can't be evaluated.
pub fn condition(expression: &str, context: &Context) -> Result<bool, Problem> {
    let wrong = |message: String| Problem::at("", message);
    let pieces = scan::pieces(expression).map_err(wrong)?;
    let inner = match pieces.as_slice() {
        [Piece::Expression(inner)] => inner,
        _ => expression,
    };
    Evaluator::new(context).truth(inner).map_err(wrong)
}

/// The variables that the templates of a value name, each with the pointer of its text.
///
/// # Errors
/// Each text that is no template.
pub fn variables_of(value: &Value) -> Result<Vec<Variable>, Vec<Problem>> {
    let mut found = Vec::new();
    let mut problems = Problems::default();
    collect(value, &mut String::new(), &mut found, &mut problems);
    problems.or(found)
}

fn collect(value: &Value, pointer: &mut String, found: &mut Vec<Variable>, problems: &mut Problems) {
    let parent = pointer.len();
    match value {
        Value::String(text) => match named_in(text) {
            Ok(paths) => {
                found.extend(paths.into_iter().map(|path| Variable { pointer: pointer.clone(), path }))
            }
            Err(wrong) => problems.add(pointer.clone(), wrong),
        },
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                collect(item, pointer, found, problems);
                pointer.truncate(parent);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointer.push('/');
                pointer.push_str(&pointer_step(name));
                collect(field, pointer, found, problems);
                pointer.truncate(parent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn named_in(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut paths = Vec::new();
    for piece in scan::pieces(text)? {
        if let Piece::Expression(expression) = piece {
            paths.extend(evaluate::names(expression)?);
        }
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// One walk over a value.
struct Rendering<'a> {
    evaluator: Evaluator,
    literal: &'a [&'a str],
    paths: &'a [&'a str],
    /// Bytes that may still be rendered.
    left: usize,
    problems: Problems,
}

impl<'a> Rendering<'a> {
    fn new(context: &Context, literal: &'a [&'a str], paths: &'a [&'a str]) -> Self {
        let evaluator = Evaluator::new(context);
        Self { evaluator, literal, paths, left: MAX_RENDERED, problems: Problems::default() }
    }

    fn whole(mut self, value: &Value) -> Result<Value, Vec<Problem>> {
        let rendered = self.value(value, &mut String::new());
        self.problems.or(rendered)
    }

    fn value(&mut self, value: &Value, pointer: &mut String) -> Value {
        let parent = pointer.len();
        match value {
            Value::String(text) => self.text(text, pointer),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        pointer.push_str(&format!("/{index}"));
                        let rendered = self.value(item, pointer);
                        pointer.truncate(parent);
                        rendered
                    })
                    .collect(),
            ),
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, field)| {
                        pointer.push('/');
                        pointer.push_str(&pointer_step(name));
                        let rendered = self.value(field, pointer);
                        pointer.truncate(parent);
                        (name.clone(), rendered)
                    })
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn text(&mut self, text: &str, pointer: &str) -> Value {
        let literal = pointer.strip_prefix('/').is_some_and(|field| self.literal.contains(&field));
        if literal || !text.contains("{{") {
            self.spend(text.len(), pointer);
            return text.into();
        }
        match self.rendered(text, self.paths.contains(&pointer)) {
            Ok((value, bytes)) => {
                self.spend(bytes, pointer);
                value
            }
            Err(wrong) => {
                self.problems.add(pointer, wrong);
                Value::Null
            }
        }
    }

    /// A rendered text and its size.
    fn rendered(&self, text: &str, path: bool) -> Result<(Value, usize), String> {
        let pieces = scan::pieces(text)?;
        if let ([Piece::Expression(expression)], false) = (pieces.as_slice(), path) {
            return self.evaluator.json(expression);
        }
        let mut whole = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => whole.push_str(literal),
                Piece::Expression(expression) if path => {
                    whole.push_str(&encode_step(&self.evaluator.text(expression)?))
                }
                Piece::Expression(expression) => whole.push_str(&self.evaluator.text(expression)?),
            }
            if whole.len() > MAX_RENDERED {
                return Err(evaluate::too_large());
            }
        }
        let bytes = whole.len();
        Ok((whole.into(), bytes))
    }

    fn spend(&mut self, bytes: usize, pointer: &str) {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.problems.add(pointer, evaluate::too_large()),
        }
    }
}

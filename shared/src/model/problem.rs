//! One thing wrong with a body a person sent, and where.
//!
//! Validation collects problems instead of stopping at the first; the API turns each into an entry of `errors`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is wrong, and the JSON Pointer (RFC 6901) of the value that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// JSON Pointer from the root of the body; empty for the body itself.
    #[schema(example = "/tasks/0/connection")]
    pub pointer: String,
    /// One sentence for a person.
    pub message: String,
}

impl Problem {
    /// A problem at a pointer.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// The same problem seen from a value that holds this one at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Problems found so far, never more than a person would read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The most problems one answer lists.
    pub const MOST: usize = 100;

    /// Adds one; beyond [`Problems::MOST`] it is dropped, since the body is refused anyway.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.push(Problem::at(pointer, message));
        }
    }

    /// Adds one unless `fine`.
    pub fn unless(&mut self, fine: bool, pointer: &str, message: impl Into<String>) {
        if !fine {
            self.add(pointer, message);
        }
    }

    /// Adds those of a part, found at `prefix`.
    pub fn extend_under(&mut self, prefix: &str, part: Vec<Problem>) {
        for problem in part {
            self.add(format!("{prefix}{}", problem.pointer), problem.message);
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// `value` if nothing was found, else what was.
    ///
    /// # Errors
    /// The problems found.
    pub fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// Escapes one step of a JSON Pointer.
#[must_use]
pub fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Reads a body into a type, with the pointer of what does not fit.
///
/// # Errors
/// One problem: serde stops at the first.
pub fn read<T: serde::de::DeserializeOwned>(body: &serde_json::Value) -> Result<T, Vec<Problem>> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let pointer = pointer_of(error.path());
        vec![Problem::at(pointer, error.into_inner().to_string())]
    })
}

/// A path that serde walked, as a JSON Pointer.
#[must_use]
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => pointer_step(key),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}

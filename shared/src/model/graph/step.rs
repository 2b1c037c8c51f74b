//! One step of a run's graph.

use super::{Decision, Graph};
use crate::model::state::TaskState;

/// Everything that is decided now, in an order in which it may be applied: a skip can decide further tasks, and those are here too.
///
/// `states` holds the state of each task by index. Only tasks that wait for their dependencies are decided.
///
/// # Panics
/// `states` is shorter than the graph.
#[must_use]
pub fn advance(graph: &Graph, states: &[TaskState]) -> Vec<(usize, Decision)> {
    let _ = (graph, states);
    Vec::new()
}

//! Which tasks become ready, are skipped or are blocked, given what has ended: pure functions over a compact graph.
//!
//! The engine builds a [`Graph`] from a job version once, and asks [`advance`] after every batch of endings, in the
//! transaction that records them.

mod compact;
mod rule;
mod step;

pub(super) use compact::topological;
pub use compact::{BadGraph, Graph};
pub use rule::{Counts, Decision, TriggerRule, Verdict};
pub use step::advance;

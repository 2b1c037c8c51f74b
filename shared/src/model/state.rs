//! States of task runs, attempts and runs, as the database stores them and the API shows them.
//!
//! A state is a pair of columns: `state` (coarse, stable) and `reason` (fine). [`TaskState`] is the pair as one value;
//! [`TaskState::to`] is the only way from one to the next and refuses what the table in `state/moves.rs` does not list.

mod diagram;
mod moves;
mod outcome;
mod run;
mod task;
#[cfg(test)]
mod tests;
mod text;

pub use diagram::{run_diagram, task_diagram};
pub use moves::{Kind, MOVES, Refused};
pub use outcome::run_outcome;
pub use run::{RUN_MOVES, RunState};
pub use task::{Active, Failure, Pending, Skip, TaskState, Timeout};
pub use text::{StateAndReason, StateName, UnknownState, reasons_of};

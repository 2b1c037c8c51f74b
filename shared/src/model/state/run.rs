//! The state of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UnknownState;

/// How a run as a whole stands. Its outcome comes from all of its tasks: [`super::run_outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// No task has been taken on: its time has not come, it is held, or other runs of the job go first.
    Pending,
    /// Its tasks are being worked.
    Active,
    /// Every task ended well or was skipped.
    Succeeded,
    /// At least one task failed.
    Failed,
    /// A time limit passed, and nothing else failed.
    TimedOut,
    /// It was stopped.
    Cancelled,
    /// The overlap policy dropped it.
    Skipped,
    /// It came too late to be worth running.
    Expired,
}

/// Everything that may follow each state of a run. A repair opens a finished run again: [`RunState::reopen`].
pub const RUN_MOVES: &[(RunState, &[RunState])] = &[
    (
        RunState::Pending,
        &[
            RunState::Active,
            RunState::Succeeded,
            RunState::Failed,
            RunState::TimedOut,
            RunState::Cancelled,
            RunState::Skipped,
            RunState::Expired,
        ],
    ),
    (
        RunState::Active,
        &[RunState::Pending, RunState::Succeeded, RunState::Failed, RunState::TimedOut, RunState::Cancelled],
    ),
];

impl RunState {
    /// Every state.
    pub const ALL: &[RunState] = &[
        RunState::Pending,
        RunState::Active,
        RunState::Succeeded,
        RunState::Failed,
        RunState::TimedOut,
        RunState::Cancelled,
        RunState::Skipped,
        RunState::Expired,
    ];

    /// The text of the `state` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            RunState::Pending => "pending",
            RunState::Active => "active",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::TimedOut => "timed_out",
            RunState::Cancelled => "cancelled",
            RunState::Skipped => "skipped",
            RunState::Expired => "expired",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, RunState::Pending | RunState::Active)
    }

    /// Moves on.
    ///
    /// # Errors
    /// [`RUN_MOVES`] does not list it.
    pub fn to(self, next: RunState) -> Result<RunState, RunRefused> {
        let allowed = RUN_MOVES.iter().any(|(from, to)| *from == self && to.contains(&next));
        if allowed { Ok(next) } else { Err(RunRefused { from: self, to: next }) }
    }

    /// Opens a finished run again, as `repair`, `retry` and `clear` ask.
    ///
    /// # Errors
    /// It is not finished.
    pub fn reopen(self) -> Result<RunState, RunRefused> {
        if self.is_terminal() {
            Ok(RunState::Active)
        } else {
            Err(RunRefused { from: self, to: RunState::Active })
        }
    }
}

/// A move of a run that the table does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from} can't become {to}")]
pub struct RunRefused {
    /// What it was, and still is.
    pub from: RunState,
    /// What it was asked to become.
    pub to: RunState,
}

impl FromStr for RunState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        RunState::ALL
            .iter()
            .copied()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| UnknownState { state: text.into(), reason: None })
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Which state may follow which.

use super::TaskState;

/// A state as the table of moves sees it: pending reasons are one, since one wait may turn into any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "TaskState documents each")]
pub enum Kind {
    Pending,
    Dispatching,
    StartUnknown,
    Running,
    Cancelling,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Skipped,
    UpstreamFailed,
    Expired,
    Lost,
}

impl Kind {
    /// The text the diagram and messages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Pending => "pending",
            Kind::Dispatching => "dispatching",
            Kind::StartUnknown => "start_unknown",
            Kind::Running => "running",
            Kind::Cancelling => "cancelling",
            Kind::Succeeded => "succeeded",
            Kind::Failed => "failed",
            Kind::TimedOut => "timed_out",
            Kind::Cancelled => "cancelled",
            Kind::Skipped => "skipped",
            Kind::UpstreamFailed => "upstream_failed",
            Kind::Expired => "expired",
            Kind::Lost => "lost",
        }
    }
}

/// The table: everything that may follow each state. What is not listed is refused.
pub const MOVES: &[(Kind, &[Kind])] = &[
    // Before a call: another wait, the intent, or an end that needs no call (marked, cancelled, decided by the graph,
    // too late, a template that can't be rendered).
    (
        Kind::Pending,
        &[
            Kind::Pending,
            Kind::Dispatching,
            Kind::Succeeded,
            Kind::Failed,
            Kind::TimedOut,
            Kind::Cancelled,
            Kind::Skipped,
            Kind::UpstreamFailed,
            Kind::Expired,
        ],
    ),
    // The answer came, or it did not. Back to itself: the lease passed and the same call is made again under the next epoch.
    // Back to pending: refused before anything started (throttled, to be tried again).
    (
        Kind::Dispatching,
        &[
            Kind::Dispatching,
            Kind::Pending,
            Kind::StartUnknown,
            Kind::Running,
            Kind::Cancelling,
            Kind::Succeeded,
            Kind::Failed,
            Kind::TimedOut,
            Kind::Cancelled,
        ],
    ),
    // Out of doubt only by proof: found (adopted), proven absent, or an operator's word.
    (
        Kind::StartUnknown,
        &[
            Kind::Dispatching,
            Kind::Pending,
            Kind::Running,
            Kind::Cancelling,
            Kind::Succeeded,
            Kind::Failed,
            Kind::TimedOut,
            Kind::Cancelled,
            Kind::Lost,
        ],
    ),
    (
        Kind::Running,
        &[
            Kind::Pending,
            Kind::StartUnknown,
            Kind::Cancelling,
            Kind::Succeeded,
            Kind::Failed,
            Kind::TimedOut,
            Kind::Cancelled,
            Kind::Lost,
        ],
    ),
    // What we asked to stop may have ended in any way before it heard us. Pending: a task stopped for its time limit is tried again.
    (
        Kind::Cancelling,
        &[
            Kind::Pending,
            Kind::StartUnknown,
            Kind::Succeeded,
            Kind::Failed,
            Kind::TimedOut,
            Kind::Cancelled,
            Kind::Lost,
        ],
    ),
    (Kind::Succeeded, &[]),
    (Kind::Failed, &[]),
    (Kind::TimedOut, &[]),
    (Kind::Cancelled, &[]),
    (Kind::Skipped, &[]),
    (Kind::UpstreamFailed, &[]),
    (Kind::Expired, &[]),
    (Kind::Lost, &[]),
];

/// A move that the table does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {} can't become {}", .from.kind().as_str(), .to.kind().as_str())]
pub struct Refused {
    /// What it was, and still is.
    pub from: TaskState,
    /// What it was asked to become.
    pub to: TaskState,
}

pub(super) fn check(from: TaskState, to: TaskState) -> Result<TaskState, Refused> {
    let allowed = MOVES.iter().any(|(kind, next)| *kind == from.kind() && next.contains(&to.kind()));
    if allowed { Ok(to) } else { Err(Refused { from, to }) }
}

//! The state of a task run, and of an attempt (which is never `pending` once claimed).

use serde::{Deserialize, Serialize};

use super::{Kind, StateAndReason, StateName, UnknownState};

/// What a task run that is not in anybody's hands waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pending {
    /// Its time has not come.
    Scheduled,
    /// Its upstream tasks have not decided.
    WaitingDependency,
    /// The calendar forbids today.
    WaitingCalendar,
    /// No room under its concurrency key.
    WaitingSlot,
    /// An operator parked it.
    Held,
    /// The platform or its start rate asks us to wait.
    RateLimited,
    /// The workspace is suspended.
    TenantSuspended,
    /// A failed attempt is to be tried again.
    UpForRetry,
}

/// How far the one live attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Active {
    /// The intent is written; the call is not known to have left.
    Dispatching,
    /// The call was sent; its answer was not seen, and nobody can prove whether it started.
    StartUnknown,
    /// The platform gave its id.
    Running,
    /// We asked the platform to stop it and wait to see that it did.
    Cancelling,
}

/// Class of an error: decides whether it is tried again. See [`super::super::retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The platform asked for fewer calls.
    Throttled,
    /// The platform refused the credential.
    Auth,
    /// It may work the next time.
    Transient,
    /// It will fail the same way again.
    Permanent,
    /// A fault of ours, not of the platform or the task.
    Infrastructure,
    /// Somebody stopped it on the platform.
    UserCancelled,
}

/// Which of a task's time limits passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// Waited too long for its start.
    ScheduleToStart,
    /// The start call took too long.
    Start,
    /// Ran too long.
    StartToClose,
    /// Took too long from becoming ready to its end, tries included.
    ScheduleToClose,
    /// Asked to stop, it was not seen stopping.
    CancelConfirm,
}

/// Why a task was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Its trigger rule can't be met any more and asks for a skip.
    TriggerRule,
    /// Its `run_if` was false.
    ConditionFalse,
    /// An operator skipped it.
    Operator,
}

/// State and reason together. Serialised as `{"state": …, "reason": …}`, so that it can be flattened into a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "StateAndReason", try_from = "StateAndReason")]
pub enum TaskState {
    /// Waits.
    Pending(Pending),
    /// Is being started, runs, or is being stopped.
    Active(Active),
    /// Ended well; `marked` if an operator said so.
    Succeeded {
        /// Set by an operator.
        marked: bool,
    },
    /// Ended badly; `None` if an operator said so.
    Failed(Option<Failure>),
    /// Passed one of its time limits.
    TimedOut(Timeout),
    /// Stopped by us, and seen stopped.
    Cancelled,
    /// Not to be run.
    Skipped(Skip),
    /// Can't run because of what came before it.
    UpstreamFailed,
    /// Came too late to be worth running.
    Expired,
    /// The platform can no longer say what became of it.
    Lost,
}

impl TaskState {
    /// The coarse part, as the `state` column holds it.
    #[must_use]
    pub const fn name(self) -> StateName {
        match self {
            TaskState::Pending(_) => StateName::Pending,
            TaskState::Active(_) => StateName::Active,
            TaskState::Succeeded { .. } => StateName::Succeeded,
            TaskState::Failed(_) => StateName::Failed,
            TaskState::TimedOut(_) => StateName::TimedOut,
            TaskState::Cancelled => StateName::Cancelled,
            TaskState::Skipped(_) => StateName::Skipped,
            TaskState::UpstreamFailed => StateName::UpstreamFailed,
            TaskState::Expired => StateName::Expired,
            TaskState::Lost => StateName::Lost,
        }
    }

    /// The text of the `state` column.
    #[must_use]
    pub const fn state(self) -> &'static str {
        self.name().as_str()
    }

    /// The text of the `reason` column; `None` is null.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        super::text::reason_of(self)
    }

    /// Reads the two columns.
    ///
    /// # Errors
    /// The pair is none that this program knows.
    pub fn parse(state: &str, reason: Option<&str>) -> Result<Self, UnknownState> {
        super::text::parse(state, reason)
    }

    /// Whether it is over. A terminal state is final.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, TaskState::Pending(_) | TaskState::Active(_))
    }

    /// Whether it holds its slot: every live attempt does, a doubtful one included.
    #[must_use]
    pub const fn holds_slot(self) -> bool {
        matches!(self, TaskState::Active(_))
    }

    /// What the table of moves calls it.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            TaskState::Pending(_) => Kind::Pending,
            TaskState::Active(Active::Dispatching) => Kind::Dispatching,
            TaskState::Active(Active::StartUnknown) => Kind::StartUnknown,
            TaskState::Active(Active::Running) => Kind::Running,
            TaskState::Active(Active::Cancelling) => Kind::Cancelling,
            TaskState::Succeeded { .. } => Kind::Succeeded,
            TaskState::Failed(_) => Kind::Failed,
            TaskState::TimedOut(_) => Kind::TimedOut,
            TaskState::Cancelled => Kind::Cancelled,
            TaskState::Skipped(_) => Kind::Skipped,
            TaskState::UpstreamFailed => Kind::UpstreamFailed,
            TaskState::Expired => Kind::Expired,
            TaskState::Lost => Kind::Lost,
        }
    }

    /// Moves on.
    ///
    /// # Errors
    /// The table of moves does not list it; a terminal state moves nowhere.
    pub fn to(self, next: TaskState) -> Result<TaskState, super::Refused> {
        super::moves::check(self, next)
    }

    /// Opens a finished task run again for a **new attempt**, as an operator's `retry`, `clear` or `repair` asks.
    /// Never used on an attempt: those stay as they ended.
    ///
    /// # Errors
    /// It is not finished.
    pub fn reopen(self, waits_for: Pending) -> Result<TaskState, super::Refused> {
        let next = TaskState::Pending(waits_for);
        if self.is_terminal() { Ok(next) } else { Err(super::Refused { from: self, to: next }) }
    }
}

//! The text forms: what the database's CHECKs list and the API's fields hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Active, Failure, Pending, Skip, TaskState, Timeout};

/// The coarse state of a task run or attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "TaskState documents each")]
pub enum StateName {
    Pending,
    Active,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Skipped,
    UpstreamFailed,
    Expired,
    Lost,
}

impl StateName {
    /// Every state.
    pub const ALL: &[StateName] = &[
        StateName::Pending,
        StateName::Active,
        StateName::Succeeded,
        StateName::Failed,
        StateName::TimedOut,
        StateName::Cancelled,
        StateName::Skipped,
        StateName::UpstreamFailed,
        StateName::Expired,
        StateName::Lost,
    ];

    /// The text of the `state` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            StateName::Pending => "pending",
            StateName::Active => "active",
            StateName::Succeeded => "succeeded",
            StateName::Failed => "failed",
            StateName::TimedOut => "timed_out",
            StateName::Cancelled => "cancelled",
            StateName::Skipped => "skipped",
            StateName::UpstreamFailed => "upstream_failed",
            StateName::Expired => "expired",
            StateName::Lost => "lost",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, StateName::Pending | StateName::Active)
    }
}

/// A pair of texts that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state {state:?} with reason {reason:?} is not known")]
pub struct UnknownState {
    /// The text of the state.
    pub state: String,
    /// The text of the reason.
    pub reason: Option<String>,
}

impl FromStr for StateName {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        StateName::ALL
            .iter()
            .copied()
            .find(|n| n.as_str() == text)
            .ok_or_else(|| UnknownState { state: text.into(), reason: None })
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The pair as a body shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateAndReason {
    /// Coarse and stable.
    pub state: StateName,
    /// Fine; new reasons may be added.
    pub reason: Option<String>,
}

impl From<TaskState> for StateAndReason {
    fn from(state: TaskState) -> Self {
        Self { state: state.name(), reason: state.reason().map(str::to_owned) }
    }
}

impl TryFrom<StateAndReason> for TaskState {
    type Error = UnknownState;

    fn try_from(pair: StateAndReason) -> Result<Self, UnknownState> {
        parse(pair.state.as_str(), pair.reason.as_deref())
    }
}

/// Every state with its reason's text, the only list of them: text forms, CHECKs and parsing all come from it.
const PAIRS: &[(TaskState, Option<&str>)] = &[
    (TaskState::Pending(Pending::Scheduled), Some("scheduled")),
    (TaskState::Pending(Pending::WaitingDependency), Some("waiting_dependency")),
    (TaskState::Pending(Pending::WaitingCalendar), Some("waiting_calendar")),
    (TaskState::Pending(Pending::WaitingSlot), Some("waiting_slot")),
    (TaskState::Pending(Pending::Held), Some("held")),
    (TaskState::Pending(Pending::RateLimited), Some("rate_limited")),
    (TaskState::Pending(Pending::TenantSuspended), Some("tenant_suspended")),
    (TaskState::Pending(Pending::UpForRetry), Some("up_for_retry")),
    (TaskState::Active(Active::Dispatching), Some("dispatching")),
    (TaskState::Active(Active::StartUnknown), Some("start_unknown")),
    (TaskState::Active(Active::Running), Some("running")),
    (TaskState::Active(Active::Cancelling), Some("cancelling")),
    (TaskState::Succeeded { marked: false }, None),
    (TaskState::Succeeded { marked: true }, Some("marked")),
    (TaskState::Failed(Some(Failure::Throttled)), Some("throttled")),
    (TaskState::Failed(Some(Failure::Auth)), Some("auth")),
    (TaskState::Failed(Some(Failure::Transient)), Some("transient")),
    (TaskState::Failed(Some(Failure::Permanent)), Some("permanent")),
    (TaskState::Failed(Some(Failure::Infrastructure)), Some("infrastructure")),
    (TaskState::Failed(Some(Failure::UserCancelled)), Some("user_cancelled")),
    (TaskState::Failed(None), Some("marked")),
    (TaskState::TimedOut(Timeout::ScheduleToStart), Some("schedule_to_start")),
    (TaskState::TimedOut(Timeout::Start), Some("start")),
    (TaskState::TimedOut(Timeout::StartToClose), Some("start_to_close")),
    (TaskState::TimedOut(Timeout::ScheduleToClose), Some("schedule_to_close")),
    (TaskState::TimedOut(Timeout::CancelConfirm), Some("cancel_confirm")),
    (TaskState::Cancelled, None),
    (TaskState::Skipped(Skip::TriggerRule), Some("trigger_rule")),
    (TaskState::Skipped(Skip::ConditionFalse), Some("condition_false")),
    (TaskState::Skipped(Skip::Operator), Some("operator")),
    (TaskState::UpstreamFailed, None),
    (TaskState::Expired, None),
    (TaskState::Lost, None),
];

pub(super) fn reason_of(state: TaskState) -> Option<&'static str> {
    PAIRS.iter().find(|(known, _)| *known == state).and_then(|(_, reason)| *reason)
}

pub(super) fn parse(state: &str, reason: Option<&str>) -> Result<TaskState, UnknownState> {
    PAIRS
        .iter()
        .find(|(known, text)| known.state() == state && *text == reason)
        .map(|(known, _)| *known)
        .ok_or_else(|| UnknownState { state: state.into(), reason: reason.map(Into::into) })
}

/// Every reason a state may bear, `None` if it may bear none; the database's CHECK lists the same.
pub fn reasons_of(state: StateName) -> impl Iterator<Item = Option<&'static str>> {
    PAIRS.iter().filter(move |(known, _)| known.name() == state).map(|(_, reason)| *reason)
}

impl TaskState {
    /// Every state with every reason.
    pub fn all() -> impl Iterator<Item = TaskState> {
        PAIRS.iter().map(|(state, _)| *state)
    }
}

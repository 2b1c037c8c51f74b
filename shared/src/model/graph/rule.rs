//! The twelve trigger rules, named and meant as in Apache Airflow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::state::StateName;

/// When, given what its upstream tasks became, a task runs. Without upstream tasks every rule is met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerRule {
    /// All succeeded.
    #[default]
    AllSuccess,
    /// All ended, however.
    AllDone,
    /// All failed or were blocked.
    AllFailed,
    /// One succeeded; does not wait for the others.
    OneSuccess,
    /// One failed or was blocked; does not wait for the others.
    OneFailed,
    /// One succeeded or failed; does not wait for the others.
    OneDone,
    /// All ended and none failed or was blocked.
    NoneFailed,
    /// The same, and one succeeded.
    NoneFailedMinOneSuccess,
    /// All ended and none was skipped.
    NoneSkipped,
    /// All were skipped.
    AllSkipped,
    /// All ended and one succeeded.
    AllDoneMinOneSuccess,
    /// At once, whatever comes before it.
    Always,
}

/// What becomes of a task that was waiting for its upstream tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may start.
    Ready,
    /// It is `skipped`, for its trigger rule.
    Skip,
    /// It is `upstream_failed`.
    UpstreamFailed,
}

/// What a rule says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// More has to end first.
    Wait,
    /// It is decided.
    Decided(Decision),
}

/// How many upstream tasks are in which state, as far as rules tell them apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All upstream tasks.
    pub all: usize,
    /// Succeeded.
    pub succeeded: usize,
    /// Ended badly by themselves: failed, timed out, cancelled, expired, lost.
    pub failed: usize,
    /// Never ran because of what came before them.
    pub upstream_failed: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Counts {
    /// Counts.
    #[must_use]
    pub fn of(upstream: impl IntoIterator<Item = StateName>) -> Self {
        let mut counts = Self::default();
        for state in upstream {
            counts.all += 1;
            match state {
                StateName::Pending | StateName::Active => {}
                StateName::Succeeded => counts.succeeded += 1,
                StateName::Skipped => counts.skipped += 1,
                StateName::UpstreamFailed => counts.upstream_failed += 1,
                StateName::Failed
                | StateName::TimedOut
                | StateName::Cancelled
                | StateName::Expired
                | StateName::Lost => counts.failed += 1,
            }
        }
        counts
    }

    /// How many have ended.
    #[must_use]
    pub const fn done(self) -> usize {
        self.succeeded + self.failed + self.upstream_failed + self.skipped
    }

    const fn all_done(self) -> bool {
        self.done() == self.all
    }

    const fn bad(self) -> usize {
        self.failed + self.upstream_failed
    }
}

impl TriggerRule {
    /// Every rule.
    pub const ALL: &[TriggerRule] = &[
        TriggerRule::AllSuccess,
        TriggerRule::AllDone,
        TriggerRule::AllFailed,
        TriggerRule::OneSuccess,
        TriggerRule::OneFailed,
        TriggerRule::OneDone,
        TriggerRule::NoneFailed,
        TriggerRule::NoneFailedMinOneSuccess,
        TriggerRule::NoneSkipped,
        TriggerRule::AllSkipped,
        TriggerRule::AllDoneMinOneSuccess,
        TriggerRule::Always,
    ];

    /// What the rule says. A rule that can't be met any more decides at once, not when the last task ends.
    #[must_use]
    pub fn verdict(self, upstream: Counts) -> Verdict {
        let _ = upstream;
        Verdict::Wait
    }
}

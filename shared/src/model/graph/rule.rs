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
            counts.add(state);
        }
        counts
    }

    /// Counts what one of the upstream tasks has become.
    const fn add(&mut self, state: StateName) {
        match state {
            StateName::Pending | StateName::Active => {}
            StateName::Succeeded => self.succeeded += 1,
            StateName::Skipped => self.skipped += 1,
            StateName::UpstreamFailed => self.upstream_failed += 1,
            StateName::Failed
            | StateName::TimedOut
            | StateName::Cancelled
            | StateName::Expired
            | StateName::Lost => self.failed += 1,
        }
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

    /// The text used in job definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TriggerRule::AllSuccess => "all_success",
            TriggerRule::AllDone => "all_done",
            TriggerRule::AllFailed => "all_failed",
            TriggerRule::OneSuccess => "one_success",
            TriggerRule::OneFailed => "one_failed",
            TriggerRule::OneDone => "one_done",
            TriggerRule::NoneFailed => "none_failed",
            TriggerRule::NoneFailedMinOneSuccess => "none_failed_min_one_success",
            TriggerRule::NoneSkipped => "none_skipped",
            TriggerRule::AllSkipped => "all_skipped",
            TriggerRule::AllDoneMinOneSuccess => "all_done_min_one_success",
            TriggerRule::Always => "always",
        }
    }

    /// What the rule says. A rule that can't be met any more decides at once, not when the last task ends.
    #[must_use]
    pub fn verdict(self, upstream: Counts) -> Verdict {
        if upstream.all == 0 {
            return READY;
        }
        self.hopeless(upstream)
            .map_or_else(|| if self.is_met(upstream) { READY } else { Verdict::Wait }, Verdict::Decided)
    }

    /// What becomes of the task if the rule can't be met any more.
    fn hopeless(self, c: Counts) -> Option<Decision> {
        let (done, bad) = (c.all_done(), c.bad() > 0);
        let skip = |when: bool| when.then_some(Decision::Skip);
        let blocked = |when: bool| when.then_some(Decision::UpstreamFailed);
        match self {
            TriggerRule::AllDone | TriggerRule::Always => None,
            TriggerRule::AllSuccess => blocked(bad).or(skip(c.skipped > 0)),
            TriggerRule::AllFailed => skip(c.succeeded > 0 || c.skipped > 0),
            TriggerRule::OneSuccess => skip(c.skipped == c.all).or(blocked(done && c.succeeded == 0)),
            TriggerRule::OneFailed => skip(done && !bad),
            TriggerRule::OneDone => skip(done && c.failed == 0 && c.succeeded == 0),
            TriggerRule::NoneFailed => blocked(bad),
            TriggerRule::NoneFailedMinOneSuccess => blocked(bad).or(skip(c.skipped == c.all)),
            TriggerRule::NoneSkipped => skip(c.skipped > 0),
            TriggerRule::AllSkipped => skip(c.succeeded > 0 || bad),
            // Airflow does not count a skipped task as done here.
            TriggerRule::AllDoneMinOneSuccess => skip(c.skipped > 0).or(blocked(done && c.succeeded == 0)),
        }
    }

    /// Whether the rule is met, given that it can be.
    const fn is_met(self, c: Counts) -> bool {
        match self {
            TriggerRule::Always => true,
            TriggerRule::OneSuccess => c.succeeded > 0,
            TriggerRule::OneFailed => c.bad() > 0,
            TriggerRule::OneDone => c.succeeded + c.failed > 0,
            TriggerRule::AllSuccess
            | TriggerRule::AllDone
            | TriggerRule::AllFailed
            | TriggerRule::NoneFailed
            | TriggerRule::NoneFailedMinOneSuccess
            | TriggerRule::NoneSkipped
            | TriggerRule::AllSkipped
            | TriggerRule::AllDoneMinOneSuccess => c.all_done(),
        }
    }
}

const READY: Verdict = Verdict::Decided(Decision::Ready);

#[cfg(test)]
mod tests {
    use super::*;

    const S: StateName = StateName::Succeeded;
    const F: StateName = StateName::Failed;
    const U: StateName = StateName::UpstreamFailed;
    const K: StateName = StateName::Skipped;
    const O: StateName = StateName::Active;

    fn says(rule: TriggerRule, upstream: &[StateName]) -> char {
        match rule.verdict(Counts::of(upstream.iter().copied())) {
            Verdict::Wait => '.',
            Verdict::Decided(Decision::Ready) => 'r',
            Verdict::Decided(Decision::Skip) => 's',
            Verdict::Decided(Decision::UpstreamFailed) => 'u',
        }
    }

    /// Each row: what the rule says of each of the mixes, written out by hand from Airflow's rules.
    #[test]
    fn each_rule_says_of_each_mix_what_airflow_says() {
        let mixes: [&[StateName]; 14] = [
            &[O, O],
            &[S, O],
            &[F, O],
            &[U, O],
            &[K, O],
            &[S, S],
            &[S, F],
            &[S, U],
            &[S, K],
            &[F, F],
            &[F, K],
            &[U, U],
            &[K, K],
            &[U, K],
        ];
        let table = [
            (TriggerRule::AllSuccess, "..uusruusuuusu"),
            (TriggerRule::AllDone, ".....rrrrrrrrr"),
            (TriggerRule::AllFailed, ".s..sssssrsrss"),
            (TriggerRule::OneSuccess, ".r...rrrruuusu"),
            (TriggerRule::OneFailed, "..rr.srrsrrrsr"),
            (TriggerRule::OneDone, ".rr..rrrrrrsss"),
            (TriggerRule::NoneFailed, "..uu.ruuruuuru"),
            (TriggerRule::NoneFailedMinOneSuccess, "..uu.ruuruuusu"),
            (TriggerRule::NoneSkipped, "....srrrsrsrss"),
            (TriggerRule::AllSkipped, ".sss.sssssssrs"),
            (TriggerRule::AllDoneMinOneSuccess, "....srrrsususs"),
            (TriggerRule::Always, "rrrrrrrrrrrrrr"),
        ];
        for (rule, expected) in table {
            let got: String = mixes.iter().map(|mix| says(rule, mix)).collect();
            assert_eq!(got, expected, "{}", rule.as_str());
        }
    }

    #[test]
    fn without_upstream_every_rule_is_met() {
        for rule in TriggerRule::ALL {
            assert_eq!(says(*rule, &[]), 'r', "{}", rule.as_str());
        }
    }

    #[test]
    fn a_task_that_timed_out_was_cancelled_expired_or_lost_counts_as_failed() {
        for state in [StateName::TimedOut, StateName::Cancelled, StateName::Expired, StateName::Lost] {
            assert_eq!(says(TriggerRule::AllSuccess, &[state]), 'u');
            assert_eq!(says(TriggerRule::AllFailed, &[state]), 'r');
        }
    }

    #[test]
    fn rules_are_written_as_airflow_writes_them() {
        for rule in TriggerRule::ALL {
            assert_eq!(serde_json::to_value(rule).expect("serialises"), rule.as_str());
        }
    }
}

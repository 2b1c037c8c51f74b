//! What became of a run, from what became of all of its tasks.

use super::{RunState, StateName};

/// The outcome once every task is terminal, `None` before.
///
/// All tasks count, not only the last ones, so a clean-up task that succeeds can't turn a failed run green. What a task
/// did itself outranks what happened to it: `upstream_failed` alone decides only where nothing else explains it.
#[must_use]
pub fn run_outcome(tasks: impl IntoIterator<Item = StateName>) -> Option<RunState> {
    let (mut failed, mut timed_out, mut cancelled, mut blocked) = (false, false, false, false);
    for task in tasks {
        match task {
            StateName::Pending | StateName::Active => return None,
            StateName::Failed | StateName::Lost | StateName::Expired => failed = true,
            StateName::TimedOut => timed_out = true,
            StateName::Cancelled => cancelled = true,
            StateName::UpstreamFailed => blocked = true,
            StateName::Succeeded | StateName::Skipped => {}
        }
    }
    Some(match (failed, timed_out, cancelled, blocked) {
        (true, ..) => RunState::Failed,
        (_, true, ..) => RunState::TimedOut,
        (_, _, true, _) => RunState::Cancelled,
        (.., true) => RunState::Failed,
        _ => RunState::Succeeded,
    })
}

//! What one answer means for its attempt and its task: the end, another try, or a doubt.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    answer::Outcome,
    attempt::AttemptHead,
    changes::Changes,
    kept::{bounded, clip},
    later,
    moves::{AttemptMove, Facts},
    sheet::{Sheet, With},
};
use crate::{
    model::{
        ids::Id,
        retry::{Again, Tried},
        state::{Active, Failure, Pending, TaskState, Timeout},
    },
    queue::Kind,
};

/// How often a start with a token is sent before the doubt is shown.
pub(super) const MAX_SENDS: i32 = 10;

/// A start whose answer was not seen is sent again after this, and after twice as long each time: ten sends span three quarters
/// of an hour.
const SEND_AGAIN_S: i64 = 5;

/// At the latest.
const LONGEST_SEND_AGAIN_S: i64 = 900;

/// A platform that does not know a run it started is believed after this: lists and replicas lag.
const MISSING_GRACE_S: i64 = 300;

/// Moves the attempt and its task by one answer.
pub(super) fn apply(
    outcome: &Outcome,
    (head, at): (&AttemptHead, Active),
    (sheet, index): (&mut Sheet, usize),
    dice: f64,
    changes: &mut Changes,
) {
    let mut one = One { head, at, sheet, index, dice, changes };
    match outcome {
        Outcome::Started { external_id, external_url, warning, poll_after_s } => {
            let facts = Facts {
                external_id: Some(external_id.clone()),
                external_url: external_url.clone(),
                warning: warning.clone(),
                ..Facts::default()
            };
            one.started(facts, *poll_after_s);
        }
        Outcome::Running { .. } => {}
        Outcome::Succeeded { outputs, external_id, platform_state, warning } => {
            one.succeeded(outputs.clone(), external_id.clone(), platform_state.clone(), warning.clone());
        }
        Outcome::Failed { class, message, retry_after_s, platform_state } => {
            let facts =
                Facts { platform_state: platform_state.clone(), ..Facts::error(Some(*class), message) };
            one.failed(*class, message, *retry_after_s, facts);
        }
        Outcome::TimedOut { message, platform_state } => {
            let facts = Facts { platform_state: platform_state.clone(), ..Facts::error(None, message) };
            one.timed_out(Timeout::StartToClose, message, facts);
        }
        Outcome::Cancelled { message, platform_state } => {
            one.cancelled(message.as_deref(), platform_state.clone());
        }
        Outcome::Missing => one.missing(),
        Outcome::Unknown { message } => one.unknown(message),
    }
}

struct One<'a> {
    head: &'a AttemptHead,
    at: Active,
    sheet: &'a mut Sheet,
    index: usize,
    dice: f64,
    changes: &'a mut Changes,
}

impl One<'_> {
    fn started(&mut self, facts: Facts, poll_after_s: i64) {
        if self.at != Active::Dispatching && self.at != Active::StartUnknown {
            return;
        }
        let now = self.changes.now;
        let timeouts = self.sheet.task(self.index).timeouts;
        let close = timeouts.start_to_close_s.map(|s| later(now, s.into()));
        let deadline_at = [close, self.sheet.tasks[self.index].close_by].into_iter().flatten().min();
        self.changes.watch_by(deadline_at);
        self.changes.polls.entry(self.head.key).or_insert_with(|| later(now, poll_after_s));
        self.move_both(TaskState::Active(Active::Running), Facts { deadline_at, ..facts }, With::default());
        if self.cancel_requested() {
            self.changes.owe(Kind::Cancel, self.sheet.id.uuid(), None);
        }
    }

    fn succeeded(
        &mut self,
        outputs: Option<Value>,
        external_id: Option<String>,
        platform_state: Option<String>,
        warning: Option<String>,
    ) {
        let (outputs, too_long) = bounded(outputs);
        let warning = if too_long {
            Some("The outputs are longer than 64 KiB and were not kept.".to_owned())
        } else {
            warning
        };
        let facts = Facts { external_id, platform_state, warning, ..Facts::default() };
        self.end(TaskState::Succeeded { marked: false }, facts, With { outputs, ..With::default() });
    }

    fn failed(&mut self, class: Failure, message: &str, retry_after_s: Option<i64>, facts: Facts) {
        let failed = TaskState::Failed(Some(class));
        let retry_after = retry_after_s.map(SignedDuration::from_secs);
        if let (Failure::Throttled, Some(wait)) = (class, retry_after) {
            let until = self.changes.now.checked_add(wait.min(crate::model::retry::LONGEST_RETRY_AFTER));
            let until = until.unwrap_or(self.changes.now);
            self.changes.paused.insert(self.head.key, until);
            self.changes.owe(Kind::Wake, self.head.key.uuid(), Some(until));
        }
        if self.is_in_doubt() && class != Failure::Permanent {
            self.send_again(message, retry_after_s);
            return;
        }
        if self.cancel_requested() {
            let to = if self.at == Active::Dispatching { TaskState::Cancelled } else { failed };
            self.end_as(failed, to, facts, message);
            return;
        }
        match self.again(class, retry_after) {
            Some(at) => self.retry(failed, at, facts, message),
            None => self.end_as(failed, failed, facts, message),
        }
    }

    fn timed_out(&mut self, timeout: Timeout, message: &str, facts: Facts) {
        if self.is_in_doubt() {
            self.send_again(message, None);
            return;
        }
        let timed_out = TaskState::TimedOut(timeout);
        let again = if self.cancel_requested() || timeout == Timeout::ScheduleToClose {
            None
        } else {
            self.again(Failure::Transient, None)
        };
        match again {
            Some(at) => self.retry(timed_out, at, facts, message),
            None => self.end_as(timed_out, timed_out, facts, message),
        }
    }

    /// Stopped: by us for a person, by us for a time limit, or by somebody on the platform.
    fn cancelled(&mut self, message: Option<&str>, platform_state: Option<String>) {
        let facts = Facts { platform_state, ..Facts::default() };
        if self.cancel_requested() {
            self.end(TaskState::Cancelled, facts, With::default());
        } else if self.at == Active::Cancelling {
            let passed = self.sheet.tasks[self.index].close_by.is_some_and(|by| by <= self.changes.now);
            let (timeout, text) = if passed {
                (Timeout::ScheduleToClose, "It was stopped: its time limit from ready to end passed.")
            } else {
                (Timeout::StartToClose, "It was stopped: its time limit from start to end passed.")
            };
            self.timed_out(timeout, text, facts);
        } else {
            let class = Failure::UserCancelled;
            let text = message.unwrap_or("It was stopped on the platform.");
            let facts = Facts { platform_state: facts.platform_state, ..Facts::error(Some(class), text) };
            self.end_as(TaskState::Failed(Some(class)), TaskState::Failed(Some(class)), facts, text);
        }
    }

    fn missing(&mut self) {
        let since = self.head.started_at.unwrap_or(self.changes.now);
        if self.changes.now.duration_since(since) > SignedDuration::from_secs(MISSING_GRACE_S) {
            self.end_as(
                TaskState::Lost,
                TaskState::Lost,
                Facts::default(),
                "The platform does not know the run any more.",
            );
        }
    }

    /// An earlier send of this start was never answered: until one is, it may run, whatever became of the latest send. A new
    /// attempt would bear another token and could be a second run.
    fn is_in_doubt(&self) -> bool {
        matches!(self.at, Active::Dispatching | Active::StartUnknown)
            && self.head.is_token
            && self.head.epoch > 1
    }

    fn unknown(&mut self, message: &str) {
        if self.at == Active::Dispatching {
            self.send_again(message, None);
        }
    }

    /// With a token the same call is made again soon; without one the doubt is shown, and the slot stays taken.
    fn send_again(&mut self, message: &str, after_s: Option<i64>) {
        if self.at == Active::StartUnknown {
            return;
        }
        if self.head.is_token && self.head.epoch < MAX_SENDS {
            let wait_s = SEND_AGAIN_S << (self.head.epoch - 1).clamp(0, 8);
            let wait_s = after_s.unwrap_or(0).max(wait_s).min(LONGEST_SEND_AGAIN_S);
            let at = later(self.changes.now, wait_s);
            let facts =
                Facts { lease_until: Some(at), warning: Some(clip(message, 500)), ..Facts::default() };
            self.move_attempt(TaskState::Active(Active::Dispatching), facts);
            self.changes.watch_by(Some(at));
            return;
        }
        let facts = Facts { warning: Some(clip(message, 500)), ..Facts::default() };
        let with = With { message: Some(clip(message, 1900)), ..With::default() };
        self.move_both(TaskState::Active(Active::StartUnknown), facts, with);
    }

    fn again(&self, failure: Failure, retry_after: Option<SignedDuration>) -> Option<Timestamp> {
        let free = u32::try_from(self.head.free_tries).unwrap_or(u32::MAX);
        let tried = Tried {
            failure,
            attempts: u32::try_from(self.head.number).unwrap_or(1).saturating_sub(free).max(1),
            free_tries: free.saturating_add(1),
            retry_after,
            secret_read_again: self.head.was_refused,
        };
        let Again::Retry { at, .. } =
            self.sheet.task(self.index).retry.after(tried, self.changes.now, self.dice)
        else {
            return None;
        };
        let in_time = self.sheet.tasks[self.index].close_by.is_none_or(|by| at < by);
        in_time.then_some(at)
    }

    fn retry(&mut self, ended: TaskState, at: Timestamp, facts: Facts, message: &str) {
        self.move_attempt(ended, facts);
        self.free();
        let with = With {
            attempt: Some(self.head.id),
            ready_at: Some(at),
            message: Some(clip(message, 1900)),
            ..With::default()
        };
        self.sheet.move_task(self.index, TaskState::Pending(Pending::UpForRetry), with, self.changes);
        self.changes.owe(Kind::Wake, self.head.key.uuid(), Some(at));
    }

    fn end_as(&mut self, attempt: TaskState, task: TaskState, facts: Facts, message: &str) {
        self.move_attempt(attempt, facts);
        self.free();
        let with =
            With { attempt: Some(self.head.id), message: Some(clip(message, 1900)), ..With::default() };
        self.sheet.move_task(self.index, task, with, self.changes);
    }

    fn end(&mut self, to: TaskState, facts: Facts, with: With) {
        self.move_both(to, facts, with);
        self.free();
    }

    fn move_both(&mut self, to: TaskState, facts: Facts, with: With) {
        self.move_attempt(to, facts);
        self.sheet.move_task(self.index, to, With { attempt: Some(self.head.id), ..with }, self.changes);
    }

    fn move_attempt(&mut self, to: TaskState, facts: Facts) {
        self.changes.attempts.push(AttemptMove {
            id: self.head.id,
            epoch: self.head.epoch,
            from: self.at,
            to,
            next_epoch: self.head.epoch,
            facts,
        });
    }

    fn free(&mut self) {
        *self.changes.freed.entry(self.head.key).or_default() += self.head.weight;
    }

    fn cancel_requested(&self) -> bool {
        self.sheet.cancel_requested || self.sheet.tasks[self.index].cancel_requested
    }
}

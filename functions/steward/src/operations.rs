//! Operations on workspaces: takes them on one after the other under a lease, works each step by step, and records every
//! step once its work is done. A step may be killed anywhere and is then done again from its beginning: each must bear that.
//! Whoever lost the lease records nothing, for the epoch has moved on.

mod backup;
mod deletion;
mod expiry;
mod export;
mod external;
mod relocate;
mod restore;
mod rotation;
mod suspend;
mod undo;

use std::time::{Duration, Instant};

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    error::{DbError, chain},
    model::operation::{OperationKind, OperationState},
    queue::Call,
    store::operations::{self, Leases, Record, Taken},
};

use crate::{Steward, life::Life};

/// How long a step may take before another steward takes the operation over; longer than the function's timeout.
const LEASE_S: i32 = 330;
/// The same for a step in which nobody can write to the workspace: whoever is killed there is followed soon.
const PRESSING_LEASE_S: i32 = 20;
/// A pressing step that keeps failing goes back the way it came after this many times.
const MAX_PRESSING_FAILURES: i32 = 3;
/// An operation whose step keeps failing goes back the way it came after this many times, where there is a way back. Where there
/// is none it is tried again for ever, and somebody is told.
const MAX_FAILURES: i32 = 8;
/// The same for a step that was begun so often by somebody who neither ended nor failed it: it may be what kills them.
const MAX_ABANDONED: i32 = 5;
/// How often whoever is at a step looks whether the operation still is theirs.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest wait.
const SOON: Duration = Duration::from_secs(1);
/// For how long each is taken on.
const LEASES: Leases =
    Leases { usual_s: LEASE_S, pressing: relocate::PRESSING, pressing_s: PRESSING_LEASE_S };

/// What follows a step.
pub(crate) enum Next {
    /// Another step, at once; with what this one leaves for it.
    Step(&'static str, Value),
    /// The same, where the step has recorded it in its own transaction.
    Recorded(&'static str, Value),
    /// A step (or the same again) after a while.
    Wait(&'static str, Value, Duration),
    /// The end, with what it came to.
    Done(Value),
    /// The end: it cannot be done, and why, for the people of the workspace.
    Refused(String),
    /// The end: somebody cancelled it.
    Cancelled,
    /// The end, and nothing to record it on: the operation went with its workspace.
    Gone,
}

/// A step took longer than the steward lives.
#[derive(Debug, thiserror::Error)]
#[error("it was cut off after {} s: the steward's time was up", .0.as_secs())]
struct OverTime(Duration);

impl Steward {
    /// Works on what is due until nothing is, or time runs out; then asks to be woken for what comes next.
    pub(crate) async fn operate(&self) -> Result<Value, Error> {
        let life = self.life.unwrap_or_else(Life::usual);
        if let Err(error) = backup::plan_due(self).await {
            tracing::error!(error = chain(error.as_ref()), "backups were not planned");
        }
        let mut worked = 0;
        while life.is_young() {
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "take operation").await?;
            let Some(taken) = operations::take(tx, LEASES).await? else { break };
            worked += 1;
            match self.work_on(taken, life).await {
                Err(error) if is_lost(&error) => {
                    tracing::info!("an operation was taken away from its steward")
                }
                worked => worked?,
            }
        }
        self.wake_for_next().await?;
        Ok(json!({ "operations_worked": worked }))
    }

    async fn work_on(&self, mut taken: Taken, life: Life) -> Result<(), Error> {
        tracing::info!(operation = %taken.id, tenant = %taken.route.tenant, kind = %taken.kind, step = taken.step, "working");
        let mut is_watched = false;
        loop {
            if is_pressing(&taken, &taken.step) && !is_watched {
                // Whoever hears it finds that all is well, asks to be woken later, or goes on in our place.
                self.queue
                    .call(Call::Operate, Duration::from_secs(PRESSING_LEASE_S.unsigned_abs().into()))
                    .await;
                is_watched = true;
            }
            let next = match self.within(&taken, life.end()).await {
                Ok(next) => next,
                Err(error) if is_lost(&error) => return Err(error),
                Err(error) => return self.failed(&taken, &error).await,
            };
            let Some((step, progress)) = self.record(&taken, next, life.is_young()).await? else {
                return Ok(());
            };
            taken = Taken { step: step.to_owned(), progress, failures: 0, abandoned: 0, ..taken };
        }
    }

    /// Records what follows a step. What it is, if it is this steward's to go on with at once.
    async fn record(
        &self,
        taken: &Taken,
        next: Next,
        is_time_left: bool,
    ) -> Result<Option<(&'static str, Value)>, Error> {
        let (step, progress, wait) = match next {
            Next::Gone => return Ok(None),
            Next::Recorded(step, progress) => return Ok(Some((step, progress))),
            Next::Step(step, progress) if is_time_left => (step, progress, Duration::ZERO),
            Next::Step(step, progress) => (step, progress, SOON),
            Next::Wait(step, progress, wait) => (step, progress, wait.max(SOON)),
            Next::Done(result) => {
                return self.finish(taken, OperationState::Succeeded, Some(result), None).await;
            }
            Next::Refused(why) => return self.finish(taken, OperationState::Failed, None, Some(why)).await,
            Next::Cancelled => return self.finish(taken, OperationState::Cancelled, None, None).await,
        };
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "record step").await?;
        let lease_s = if is_pressing(taken, step) { PRESSING_LEASE_S } else { LEASE_S };
        let wait_s = i32::try_from(wait.as_secs())?;
        operations::step(&tx, taken, Record { next: step, progress: &progress, wait_s, lease_s }).await?;
        tx.commit().await?;
        if wait_s == 0 {
            return Ok(Some((step, progress)));
        }
        if is_pressing(taken, step) {
            // This steward may be busy with another operation until then.
            self.queue.call(Call::Operate, wait).await;
        }
        Ok(None)
    }

    /// Records the end: nothing follows.
    async fn finish(
        &self,
        taken: &Taken,
        state: OperationState,
        result: Option<Value>,
        error: Option<String>,
    ) -> Result<Option<(&'static str, Value)>, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "finish operation").await?;
        operations::finish(&tx, taken, state, result, error).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// A step, unless this steward's time is up before it ends, or the operation is taken away from it: then the step is left where
    /// it is, as if its steward had been killed.
    async fn within(&self, taken: &Taken, end: Instant) -> Result<Next, Error> {
        if taken.abandoned >= MAX_ABANDONED {
            let (step, times) = (&taken.step, taken.abandoned);
            let why = format!("the step {step} was begun {times} times and never came to an end");
            if let Some(back) = undo::given_up(taken, &why) {
                return Ok(back);
            }
            Self::tell_stuck(taken, times);
        }
        let begun = Instant::now();
        tokio::select! {
            next = self.step(taken) => next,
            () = tokio::time::sleep_until(end.into()) => Err(OverTime(begun.elapsed()).into()),
            lost = self.lost(taken) => Err(lost.into()),
        }
    }

    /// Ends once the operation is not this steward's any more.
    async fn lost(&self, taken: &Taken) -> DbError {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let looked = async {
                let tx = SystemTx::begin(&self.database, SystemRole::Owner, "whose it is").await?;
                operations::look(tx, taken).await
            };
            // A database that does not answer says nothing about whose it is.
            if let Err(lost @ DbError::Moved { .. }) = looked.await {
                return lost;
            }
        }
    }

    /// One step of an operation. Where it stands and what it was left is in `taken`.
    async fn step(&self, taken: &Taken) -> Result<Next, Error> {
        match taken.kind {
            OperationKind::Suspend => suspend::step(self, taken).await,
            OperationKind::Move => relocate::step(self, taken).await,
            OperationKind::Deletion => deletion::step(self, taken).await,
            OperationKind::Export => export::step(self, taken).await,
            OperationKind::Backup => backup::step(self, taken).await,
            OperationKind::Restore => restore::step(self, taken).await,
            OperationKind::Expiry => expiry::step(self, taken).await,
            OperationKind::Rotation => rotation::step(self, taken).await,
        }
    }

    /// Puts a step off that failed, or takes the way back once it has failed often enough.
    async fn failed(&self, taken: &Taken, error: &Error) -> Result<(), Error> {
        let (step, failures) = (taken.step.as_str(), taken.failures + 1);
        tracing::error!(operation = %taken.id, tenant = %taken.route.tenant, kind = %taken.kind, step, failures,
                        error = chain(error.as_ref()), "a step of an operation failed");
        let is_pressing = is_pressing(taken, step);
        if failures >= if is_pressing { MAX_PRESSING_FAILURES } else { MAX_FAILURES } {
            let why = format!("the step {step} failed {failures} times: {}", undo::told(error));
            if let Some(back) = undo::given_up(taken, &why) {
                return self.record(taken, back, false).await.map(drop);
            }
            Self::tell_stuck(taken, failures);
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "put off operation").await?;
        operations::put_off(tx, taken, is_pressing).await?;
        if is_pressing {
            self.queue.call(Call::Operate, SOON).await;
        }
        Ok(())
    }

    /// What must be finished and does not get on: an alarm counts these lines.
    fn tell_stuck(of: &Taken, stuck: i32) {
        tracing::error!(operation = %of.id, tenant = %of.route.tenant, kind = %of.kind, step = of.step, stuck,
                        "an operation does not get on, and has no way back");
    }

    /// The five-minute tick finds what falls due later than a message may be delayed.
    async fn wake_for_next(&self) -> Result<(), Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "next operation").await?;
        let wait_s = operations::next_in(tx).await?;
        if let Some(wait_s) = wait_s.and_then(|s| u64::try_from(s.max(1)).ok()).filter(|s| *s <= 300) {
            self.queue.call(Call::Operate, Duration::from_secs(wait_s)).await;
        }
        Ok(())
    }
}

/// Whether it failed because the operation is another steward's by now, was cancelled, or went with its workspace.
fn is_lost(error: &Error) -> bool {
    let is_ours = |statement: &str| statement.starts_with("operations/");
    matches!(error.downcast_ref(), Some(DbError::Moved { statement, .. }) if is_ours(statement))
}

/// As long as an operation is at such a step, people can read the workspace and no more.
fn is_pressing(of: &Taken, step: &str) -> bool {
    of.kind == OperationKind::Move && relocate::PRESSING.contains(&step)
}

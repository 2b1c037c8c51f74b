//! External runs are to be stopped: their attempts become `cancelling` and their connections are asked soon. The stop itself
//! is sent by the round of polls, which goes on until the platform says that it is over.

use super::{
    Actor, Messages, Within,
    attempt::AttemptHead,
    batch::{Batch, bind},
    changes::Changes,
    known::Known,
    later,
    moves::{AttemptMove, Facts},
    sheet::{self, Sheet, With},
};
use crate::{
    db::FromRow,
    error::DbError,
    model::{
        ids::{OutboxId, RunId},
        state::{Active, TaskState},
    },
    sql,
};

/// What is said of an external run whose platform cannot stop it.
const CANNOT_STOP: &str = "This service has no request that stops a run; it is followed to its own end.";

/// Asks the external runs of a run's tasks to be stopped, as far as their ids are known. A start whose answer is awaited is
/// left to that answer.
pub async fn stop_run(within: Within<'_>, run: RunId, done: &[OutboxId]) -> Result<Messages, DbError> {
    let mut known = Known::default();
    let mut batch = Batch::default();
    batch.add(sql!("slots/lock_of_run.sql"), bind![run]);
    sheet::add_reads(&mut batch, &[run], &known.versions);
    batch.add(sql!("attempts/heads_of_run.sql"), bind![run]);
    let answers = batch.run(within.tx).await?;
    let mut changes = Changes::new(Actor::System, within.tx.entered()?.now);
    let mut unstoppable = Vec::new();
    if let Some(mut sheet) = sheet::read(&answers[1..4], &mut known.versions)?.pop() {
        for row in &answers[4] {
            let head = AttemptHead::from_row(row)?;
            let Some(index) = sheet.index_of(row.try_get("task_run_id")?) else { continue };
            if head.state != TaskState::Active(Active::Running) || !sheet.cancel_requested {
                continue;
            }
            if head.can_stop {
                stop(&head, &mut sheet, index, &mut changes)
            } else {
                unstoppable.push(head.id)
            }
        }
    }
    let mut batch = Batch::default();
    let warnings: Vec<Option<&str>> = unstoppable.iter().map(|_| Some(CANNOT_STOP)).collect();
    let states: Vec<Option<String>> = unstoppable.iter().map(|_| None).collect();
    batch.add(sql!("attempts/note.sql"), bind![unstoppable, states, warnings]);
    Ok(changes.write(within, done, batch).await?.1)
}

/// Moves a running attempt to `cancelling` and has its connection asked at once.
pub(super) fn stop(head: &AttemptHead, sheet: &mut Sheet, index: usize, changes: &mut Changes) {
    let deadline_at = Some(later(changes.now, sheet.task(index).timeouts.cancel_confirm().into()));
    changes.attempts.push(AttemptMove {
        id: head.id,
        epoch: head.epoch,
        from: Active::Running,
        to: TaskState::Active(Active::Cancelling),
        next_epoch: head.epoch,
        facts: Facts { deadline_at, ..Facts::default() },
    });
    let with = With { attempt: Some(head.id), ..With::default() };
    sheet.move_task(index, TaskState::Active(Active::Cancelling), with, changes);
    changes.watch_by(deadline_at);
    changes.polls.insert(head.key, changes.now);
}

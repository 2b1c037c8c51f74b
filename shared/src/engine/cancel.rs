//! A run is to stop: what waits ends at once; what is in flight is asked to stop and ends when it was seen stopped.

use super::{
    Actor, Messages, Within,
    batch::{Batch, bind},
    changes::Changes,
    known::Known,
    moves::Event,
    sheet::{self, With},
};
use crate::{
    error::{DbError, Refusal},
    model::{
        ids::{Id, RunId, TaskRunId},
        state::{RunState, TaskState},
    },
    queue::Kind,
    sql,
};

/// What a request to stop came to.
#[derive(Clone, Debug)]
pub struct Cancelled {
    /// The run's state now: `cancelled` if nothing was in flight, its own end if it was over before.
    pub state: RunState,
    /// Whether this request changed anything.
    pub changed: bool,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// Asks a run to stop. An absent run is refused as absent; one that is over, or was asked before, is left as it is.
pub async fn cancel_run(within: Within<'_>, run: RunId, actor: Actor) -> Result<Cancelled, DbError> {
    let mut batch = Batch::default();
    let mut known = Known::default();
    sheet::add_reads(&mut batch, &[run], &known.versions);
    let answers = batch.run(within.tx).await?;
    let row = answers[0].first().ok_or(DbError::Refused(Refusal::Absent))?;
    let state: RunState =
        row.try_get::<_, &str>("state")?.parse().map_err(|e| DbError::Defect(Box::new(e)))?;
    let unchanged = Cancelled { state, changed: false, messages: Vec::new() };
    let Some(mut sheet) = sheet::read(&answers, &mut known.versions)?.pop() else { return Ok(unchanged) };
    if state.is_terminal() || sheet.cancel_requested {
        return Ok(unchanged);
    }
    let mut changes = Changes::new(actor, within.tx.entered()?.now);
    changes.events.push(Event {
        run,
        task_run: None,
        attempt: None,
        from: Some(state.as_str()),
        to: state.as_str(),
        reason: Some("cancel_requested"),
        detail: None,
    });
    let mut in_flight: Vec<TaskRunId> = Vec::new();
    for index in 0..sheet.tasks.len() {
        match sheet.tasks[index].state {
            TaskState::Pending(_) => {
                sheet.move_task(index, TaskState::Cancelled, With::default(), &mut changes)
            }
            TaskState::Active(_) => in_flight.push(sheet.tasks[index].id),
            _ => {}
        }
    }
    if in_flight.is_empty() {
        sheet.conclude(&mut changes);
    } else {
        changes.owe(Kind::Cancel, run.uuid(), None);
    }
    let mut batch = Batch::default();
    batch.add(sql!("runs/request_cancel.sql"), bind![run, changes.now]);
    batch.add(sql!("task_runs/request_cancel.sql"), bind![in_flight, changes.now]);
    let (_, messages) = changes.write(within, &[], batch).await?;
    Ok(Cancelled { state: sheet.state, changed: true, messages })
}

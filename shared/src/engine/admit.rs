//! Runs that waited for their time, or for other runs of their job to end, are let in.

use super::{
    Actor, Messages, Within,
    batch::{Batch, bind},
    changes::Changes,
    create::count,
    known::Known,
    moves::Event,
    sheet::{self, Sheet, With},
};
use crate::{
    error::DbError,
    model::{
        ids::{Id, JobId, RunId},
        state::{Pending, TaskState},
    },
    queue::Kind,
    sql,
};

/// What was let in.
#[derive(Clone, Debug, Default)]
pub struct Admitted {
    /// How many runs.
    pub count: usize,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// The most runs let in by one transaction.
const MOST: i64 = 50;

/// Lets in what may go of these jobs, oldest first. Each gets a message of its own: its root tasks wait for their slots.
pub async fn admit(within: Within<'_>, jobs: &[JobId], known: &mut Known) -> Result<Admitted, DbError> {
    let mut admitted = Admitted::default();
    let mut hold = Batch::default();
    hold.add(sql!("jobs/hold.sql"), bind![jobs.to_vec()]);
    hold.run(within.tx).await?;
    for job in jobs {
        let mut batch = Batch::default();
        batch.add(sql!("runs/count_admitted.sql"), bind![*job]);
        batch.add(sql!("runs/waiting.sql"), bind![*job, MOST]);
        let answers = batch.run(within.tx).await?;
        let runs: Vec<RunId> = answers[1].iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let mut batch = Batch::default();
        sheet::add_reads(&mut batch, &runs, &known.versions);
        let sheets = sheet::read(&batch.run(within.tx).await?, &mut known.versions)?;
        let mut changes = Changes::new(Actor::System, within.tx.entered()?.now);
        let let_in = let_in(sheets, count(&answers[0])?, &mut changes);
        let mut batch = Batch::default();
        batch.add(sql!("runs/admit.sql"), bind![let_in.clone()]);
        admitted.messages.extend(changes.write(within, &[], batch).await?.1);
        admitted.count += let_in.len();
    }
    Ok(admitted)
}

fn let_in(sheets: Vec<Sheet>, mut open: i64, changes: &mut Changes) -> Vec<RunId> {
    let mut runs = Vec::new();
    for mut sheet in sheets {
        let most = sheet.version.definition.max_active_runs.map_or(i64::MAX, i64::from);
        if open >= most || sheet.state.is_terminal() {
            continue;
        }
        open += 1;
        changes.events.push(Event {
            run: sheet.id,
            task_run: None,
            attempt: None,
            from: Some(sheet.state.as_str()),
            to: sheet.state.as_str(),
            reason: Some("admitted"),
            detail: None,
        });
        for index in 0..sheet.tasks.len() {
            if sheet.tasks[index].state == TaskState::Pending(Pending::Scheduled) {
                sheet.move_task(
                    index,
                    TaskState::Pending(Pending::WaitingDependency),
                    With::default(),
                    changes,
                );
            }
        }
        sheet.advance(changes);
        changes.owe(Kind::Run, sheet.id.uuid(), None);
        runs.push(sheet.id);
    }
    runs
}

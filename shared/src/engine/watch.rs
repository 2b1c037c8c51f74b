//! Leases and time limits that have passed: starts are sent again or shown as doubtful, what ran too long is stopped, what
//! waited too long ends. One chain per workspace, kept by its round in the due index.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Actor, Budget, LOOK_AHEAD_S, Messages, Taken, Within,
    attempt::AttemptHead,
    batch::{Batch, bind},
    changes::Changes,
    claim::{is_active, lease},
    delay_s,
    known::Known,
    later,
    moves::{AttemptMove, Facts, Orphan},
    outcome::MAX_SENDS,
    render::Candidate,
    settle::Settled,
    sheet::{self, Sheet, With},
    stop,
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        ids::{AttemptId, ConnectionId, Id, RunId, TaskRunId},
        state::{Active, TaskState, Timeout},
    },
    queue::{Kind, Message},
    sql,
};

/// At most so many of each kind are looked at in one transaction; the rest is due again at once.
const MOST: i64 = 50;

/// What has passed and was not looked after (a suspended workspace, no time left) is due again after this.
const AGAIN_S: i64 = 5;

const LEASE_PASSED: &str = "The start may have been sent, and its answer was not seen.";
const NOT_SEEN_STOPPING: &str = "It was asked to stop and not seen stopping in time; it is still followed.";

/// Looks after what has passed, if this is the round. None: another message took it. The caller plans the next round
/// ([`plan_watch`]) in a transaction of its own.
pub async fn watch(
    within: Within<'_>,
    round: i32,
    budget: Budget,
    known: &mut Known,
) -> Result<Option<Settled>, DbError> {
    let mut batch = Batch::default();
    batch.add(sql!("due/take_watch.sql"), bind![within.route.tenant.uuid(), round]);
    batch.add(sql!("slots/hold.sql"), bind![]);
    batch.add(sql!("attempts/overdue.sql"), bind![MOST]);
    batch.add(sql!("task_runs/overdue.sql"), bind![MOST]);
    let found = batch.run(within.tx).await?;
    if !found[0].first().map(|row| row.try_get("taken")).transpose()?.unwrap_or(false) {
        return Ok(None);
    }
    let overdue: Vec<&Row> = found[2].iter().chain(&found[3]).collect();
    let runs: BTreeSet<RunId> = overdue.iter().map(|row| row.try_get("run_id")).collect::<Result<_, _>>()?;
    let keys: BTreeSet<ConnectionId> =
        overdue.iter().map(|row| row.try_get("connection_id")).collect::<Result<_, _>>()?;
    let ids = |rows: &[Row]| rows.iter().map(|row| row.try_get("id")).collect::<Result<Vec<_>, _>>();
    let attempts: Vec<AttemptId> = found[2].iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    let waiting: Vec<uuid::Uuid> = ids(&found[3])?;
    if runs.is_empty() {
        return Ok(Some(Settled::default()));
    }

    let (runs, keys): (Vec<_>, Vec<_>) = (runs.into_iter().collect(), keys.into_iter().collect());
    let mut batch = Batch::default();
    batch.add(sql!("slots/lock.sql"), bind![keys.clone(), Vec::<RunId>::new()]);
    sheet::add_reads(&mut batch, &runs, &known.versions);
    batch.add(sql!("attempts/heads.sql"), bind![attempts.clone()]);
    batch.add(sql!("attempts/again.sql"), bind![attempts]);
    known.add_reads(&mut batch, &keys, &[]);
    let rows = batch.run(within.tx).await?;
    known.take_in(&rows[6], &rows[7])?;
    let mut sheets = sheet::read(&rows[1..4], &mut known.versions)?;
    let changes = Changes::new(Actor::System, within.tx.entered()?.now);
    let mut pass = Pass {
        within,
        known,
        budget,
        again: &rows[5],
        changes,
        taken: Vec::new(),
        active: is_active(&found[1])?,
    };
    for row in &rows[4] {
        pass.attempt(row, &mut sheets)?;
    }
    for id in waiting {
        pass.waiting(id.into(), &mut sheets);
    }
    let Pass { mut changes, taken, .. } = pass;
    let mut waiting: Vec<_> = sheets.iter_mut().flat_map(|sheet| sheet.advance(&mut changes)).collect();
    waiting.extend(changes.freed.keys());
    waiting.into_iter().for_each(|key| changes.owe(Kind::Wake, key.uuid(), None));
    let (_, messages) = changes.write(within, &[], Batch::default()).await?;
    Ok(Some(Settled { taken, messages }))
}

/// Plans the next round from all that may pass, or ends the chain; gives its message where it is due soon. Alone in the
/// workspace for a moment: nobody claims while it reads, so no lease is missed.
pub async fn plan_watch(within: Within<'_>) -> Result<Messages, DbError> {
    let tenant = within.route.tenant.uuid();
    let mut batch = Batch::default();
    batch.add(sql!("due/alone.sql"), bind![tenant]);
    batch.add(sql!("attempts/next_watch.sql"), bind![]);
    let rows = batch.run(within.tx).await?;
    let at: Option<jiff::Timestamp> = rows[1].first().map(|row| row.try_get("at")).transpose()?.flatten();
    // What has passed and could not be looked after now is looked at again shortly, not at once.
    let now = within.tx.entered()?.now;
    let at = at.map(|at| if at <= now { later(now, AGAIN_S) } else { at });
    let Some(at) = at else {
        within.tx.execute(sql!("due/clear.sql"), &[&"watch", &tenant]).await?;
        return Ok(Messages::new());
    };
    let set = within.tx.rows(sql!("due/set.sql"), &[&"watch", &tenant, &at]).await?;
    let delay = delay_s(now, at);
    let round: Option<i32> = set.first().map(|row| row.try_get("round")).transpose()?;
    let Some(round) = round.filter(|_| delay <= LOOK_AHEAD_S) else { return Ok(Messages::new()) };
    let route = within.route.clone();
    let message = Message { route, kind: Kind::Watch, id: tenant, round, at: None, outbox: None };
    Ok(vec![(message, i32::try_from(delay).unwrap_or(i32::MAX))])
}

struct Pass<'a> {
    within: Within<'a>,
    known: &'a Known,
    budget: Budget,
    again: &'a [Row],
    changes: Changes,
    taken: Vec<Taken>,
    active: bool,
}

impl Pass<'_> {
    fn attempt(&mut self, row: &Row, sheets: &mut [Sheet]) -> Result<(), DbError> {
        let head = AttemptHead::from_row(row)?;
        let (run, task): (RunId, TaskRunId) = (row.try_get("run_id")?, row.try_get("task_run_id")?);
        let Some(sheet) = sheets.iter_mut().find(|sheet| sheet.id == run) else { return Ok(()) };
        let Some(index) = sheet.index_of(task) else { return Ok(()) };
        let now = self.changes.now;
        let passed = |at: Option<jiff::Timestamp>| at.is_some_and(|at| at <= now);
        match head.state {
            TaskState::Active(Active::Dispatching) if passed(head.lease_until) => {
                self.lease_passed(&head, sheet, index)?
            }
            TaskState::Active(Active::Running) if passed(head.deadline_at) => {
                stop::stop(&head, sheet, index, &mut self.changes);
            }
            TaskState::Active(Active::Cancelling) if passed(head.deadline_at) => {
                self.give_up(&head, sheet, index)
            }
            _ => {}
        }
        Ok(())
    }

    /// With a token, and the request as it was: sent again under the next epoch. Otherwise the doubt is shown.
    fn lease_passed(&mut self, head: &AttemptHead, sheet: &mut Sheet, index: usize) -> Result<(), DbError> {
        if !self.active || self.taken.len() >= self.budget.calls {
            return Ok(());
        }
        let next = if head.is_token && head.epoch < MAX_SENDS { self.send_again(head)? } else { None };
        if let Some((taken, lease_until)) = next {
            self.changes.watch_by(Some(lease_until));
            self.push(
                head,
                TaskState::Active(Active::Dispatching),
                Facts { lease_until: Some(lease_until), ..Facts::default() },
            );
            sheet.move_task(
                index,
                TaskState::Active(Active::Dispatching),
                With { attempt: Some(head.id), ..With::default() },
                &mut self.changes,
            );
            self.taken.push(taken);
            return Ok(());
        }
        self.push(
            head,
            TaskState::Active(Active::StartUnknown),
            Facts { warning: Some(LEASE_PASSED.to_owned()), ..Facts::default() },
        );
        let with = With { attempt: Some(head.id), message: Some(LEASE_PASSED.to_owned()), ..With::default() };
        sheet.move_task(index, TaskState::Active(Active::StartUnknown), with, &mut self.changes);
        Ok(())
    }

    /// The same call, if it renders as it did.
    fn send_again(&self, head: &AttemptHead) -> Result<Option<(Taken, jiff::Timestamp)>, DbError> {
        for row in self.again {
            if row.try_get::<_, AttemptId>("attempt_id")? != head.id {
                continue;
            }
            let candidate = Candidate::from_row(row)?;
            let Some(connection) = self.known.connection(head.key) else { return Ok(None) };
            let Ok(rendered) = candidate.render(connection) else { return Ok(None) };
            if rendered.digest != row.try_get::<_, Vec<u8>>("request_digest")? {
                return Ok(None);
            }
            let lease_until = lease(rendered.class, rendered.call_s, self.changes.now);
            let taken = Taken {
                attempt: head.id,
                epoch: head.epoch + 1,
                task_run: candidate.task_run,
                run: candidate.run,
                name: candidate.name,
                connection: Arc::clone(connection),
                start: rendered.start,
                class: rendered.class,
                call_s: rendered.call_s,
            };
            return Ok(Some((taken, lease_until)));
        }
        Ok(None)
    }

    /// Not seen stopping: the task ends, its external run stays ours as an orphan.
    fn give_up(&mut self, head: &AttemptHead, sheet: &mut Sheet, index: usize) {
        let to = TaskState::TimedOut(Timeout::CancelConfirm);
        self.push(head, to, Facts::error(None, NOT_SEEN_STOPPING));
        *self.changes.freed.entry(head.key).or_default() += head.weight;
        if let Some(external_id) = head.external_id.clone() {
            let id = self.within.clock.new_id();
            self.changes.orphans.push(Orphan { id, attempt: head.id, key: head.key, external_id });
        }
        let with =
            With { attempt: Some(head.id), message: Some(NOT_SEEN_STOPPING.to_owned()), ..With::default() };
        sheet.move_task(index, to, with, &mut self.changes);
    }

    fn waiting(&mut self, task: TaskRunId, sheets: &mut [Sheet]) {
        for sheet in sheets {
            let Some(index) = sheet.index_of(task) else { continue };
            let head = &sheet.tasks[index];
            if !matches!(head.state, TaskState::Pending(_)) {
                continue;
            }
            let closed = head.close_by.is_some_and(|by| by <= self.changes.now);
            let timeout = if closed { Timeout::ScheduleToClose } else { Timeout::ScheduleToStart };
            let message = Some("It waited longer than its time limit.".to_owned());
            sheet.move_task(
                index,
                TaskState::TimedOut(timeout),
                With { message, ..With::default() },
                &mut self.changes,
            );
        }
    }

    fn push(&mut self, head: &AttemptHead, to: TaskState, facts: Facts) {
        let TaskState::Active(from) = head.state else { return };
        let again = to == TaskState::Active(Active::Dispatching);
        let next_epoch = if again { head.epoch + 1 } else { head.epoch };
        self.changes.attempts.push(AttemptMove {
            id: head.id,
            epoch: head.epoch,
            from,
            to,
            next_epoch,
            facts,
        });
    }
}

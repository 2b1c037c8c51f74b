//! Waiting work is taken on: slots locked in key order, the next waiting tasks of each key rendered, the intent to call
//! written and the slots counted, all in one transaction. The caller makes the calls after its commit.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    Actor, Budget, Claimed, Messages, Taken, Wanted, Within,
    batch::{Batch, bind},
    changes::Changes,
    known::{Connection, Known},
    render::{Candidate, Rendered, Stillborn},
    sheet::{self, With},
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        connection::IdempotencyClass,
        ids::{ConnectionId, EventId, Id, JobId, OutboxId, RunId, TaskRunId},
        state::TaskState,
    },
    queue::Kind,
    sql,
};

/// Whoever claims sends within this of the claim, or not at all: a frozen function may wake at any time.
pub const SEND_WITHIN_S: i64 = 5;

/// Longest that the function which calls may live, in seconds: its timeout in `template.yaml`.
pub const FUNCTION_S: i64 = 90;

/// A lease outlives what it covers by this.
const SLACK_S: i64 = 5;

/// Takes on what waits on the keys of these runs' tasks and on these keys. A suspended workspace takes on nothing.
pub async fn claim(
    within: Within<'_>,
    wanted: &Wanted,
    budget: Budget,
    known: &mut Known,
) -> Result<Claimed, DbError> {
    let mut batch = Batch::default();
    batch.add(sql!("slots/hold.sql"), bind![]);
    let ask = if wanted.admitted { Vec::new() } else { wanted.runs.clone() };
    batch.add(sql!("runs/waiting_jobs.sql"), bind![ask]);
    add_candidates(&mut batch, &wanted.keys, &wanted.runs, budget, known);
    let answers = batch.run(within.tx).await?;
    let admit: Vec<JobId> = answers[1].iter().map(|row| row.try_get("job_id")).collect::<Result<_, _>>()?;
    if !admit.is_empty() {
        return Ok(Claimed { admit, ..Claimed::default() });
    }
    if !is_active(&answers[0])? {
        // Nothing was taken on, so the messages stay owed: the sweep sends them until the workspace is active again.
        return Ok(Claimed::default());
    }
    let now = within.tx.entered()?.now;
    let changes = Changes::new(Actor::System, now);
    let waiting = read_candidates(&answers[2..], known, true)?;
    let (taken, messages) = take(within, waiting, budget, known, (changes, &wanted.done)).await?;
    Ok(Claimed { taken, messages, admit })
}

/// Whether the workspace may take on work; held so until the transaction ends.
pub(super) fn is_active(rows: &[Row]) -> Result<bool, DbError> {
    let state: Option<&str> = rows.first().map(|row| row.try_get("state")).transpose()?;
    Ok(state == Some("active"))
}

/// Adds the four statements that lock slots and read what may be taken on. One more than fits is asked for, to know whether
/// any is left.
pub(super) fn add_candidates(
    batch: &mut Batch<'_>,
    keys: &[ConnectionId],
    runs: &[RunId],
    budget: Budget,
    known: &Known,
) {
    let limit = i64::try_from(budget.calls).unwrap_or(i64::MAX).saturating_add(1);
    batch.add(sql!("slots/lock.sql"), bind![keys.to_vec(), runs.to_vec()]);
    batch.add(sql!("task_runs/candidates.sql"), bind![keys.to_vec(), runs.to_vec(), limit]);
    known.add_reads(batch, keys, runs);
}

/// What waits, and the locked keys it waits on.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) candidates: Vec<Candidate>,
    keys: BTreeSet<ConnectionId>,
}

/// The candidates on the keys that were locked; none in a workspace that is not active.
pub(super) fn read_candidates(
    answers: &[Vec<Row>],
    known: &mut Known,
    active: bool,
) -> Result<Waiting, DbError> {
    let [slots, candidates, connections, salts] = answers else { return Ok(Waiting::default()) };
    known.take_in(connections, salts)?;
    let keys: BTreeSet<ConnectionId> =
        slots.iter().map(|row| row.try_get("key")).collect::<Result<_, _>>()?;
    if !active {
        return Ok(Waiting::default());
    }
    let mut candidates = candidates.iter().map(Candidate::from_row).collect::<Result<Vec<_>, _>>()?;
    candidates.retain(|candidate| keys.contains(&candidate.key));
    Ok(Waiting { candidates, keys })
}

type Intent = (Candidate, Taken, Rendered);

/// Writes the intents of what fits, ends what cannot be rendered, leaves the rest to a message. The slots are locked.
pub(super) async fn take(
    within: Within<'_>,
    waiting: Waiting,
    budget: Budget,
    known: &mut Known,
    (mut changes, done): (Changes, &[OutboxId]),
) -> Result<(Vec<Taken>, Messages), DbError> {
    if waiting.candidates.len() > budget.calls {
        // There is more than was read, on any of them.
        waiting.keys.iter().for_each(|key| changes.owe(Kind::Wake, key.uuid(), None));
    }
    let (mut intents, mut stillborn): (Vec<Intent>, Vec<(Candidate, Stillborn)>) = (Vec::new(), Vec::new());
    for candidate in waiting.candidates {
        let Some(connection) = known.connection(candidate.key).cloned() else { continue };
        if intents.len() >= budget.calls {
            continue;
        }
        match candidate.render(&connection) {
            Ok(rendered) if rendered.call_s > budget.call_s => {
                changes.owe(Kind::Wake, candidate.key.uuid(), None)
            }
            Ok(rendered) => intents.push(intend(within, candidate, connection, rendered)),
            Err(end) => stillborn.push((candidate, end)),
        }
    }
    if !stillborn.is_empty() {
        let also: Vec<_> = intents.iter().map(|(candidate, ..)| candidate.run).collect();
        bury(within, stillborn, &also, known, &mut changes).await?;
    }
    let mut batch = Batch::default();
    if !intents.is_empty() {
        add_intents(&mut batch, within, &intents, &mut changes);
    }
    let (answers, messages) = changes.write(within, done, batch).await?;
    let moved: BTreeSet<TaskRunId> = match answers.get(1) {
        Some(rows) if !intents.is_empty() => {
            rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?
        }
        _ => BTreeSet::new(),
    };
    let taken = intents
        .into_iter()
        .map(|(_, taken, _)| taken)
        .filter(|taken| moved.contains(&taken.task_run))
        .collect();
    Ok((taken, messages))
}

fn intend(
    within: Within<'_>,
    candidate: Candidate,
    connection: Arc<Connection>,
    rendered: Rendered,
) -> Intent {
    let taken = Taken {
        attempt: within.clock.new_id(),
        epoch: 1,
        task_run: candidate.task_run,
        run: candidate.run,
        name: candidate.name.clone(),
        connection,
        start: rendered.start.clone(),
        class: rendered.class,
        call_s: rendered.call_s,
    };
    (candidate, taken, rendered)
}

/// Ends tasks that will never be called: their runs are locked and advance. What became ready gets a message of its own.
async fn bury(
    within: Within<'_>,
    stillborn: Vec<(Candidate, Stillborn)>,
    also: &[RunId],
    known: &mut Known,
    changes: &mut Changes,
) -> Result<(), DbError> {
    let runs: Vec<RunId> = stillborn.iter().map(|(c, _)| c.run).chain(also.iter().copied()).collect();
    let mut batch = Batch::default();
    sheet::add_reads(&mut batch, &runs, &known.versions);
    let mut sheets = sheet::read(&batch.run(within.tx).await?, &mut known.versions)?;
    for (candidate, end) in stillborn {
        let Some(sheet) = sheets.iter_mut().find(|sheet| sheet.id == candidate.run) else { continue };
        let Some(index) = sheet.index_of(candidate.task_run) else { continue };
        changes.owe(Kind::Wake, candidate.key.uuid(), None);
        if !matches!(sheet.tasks[index].state, TaskState::Pending(_)) {
            continue;
        }
        sheet.move_task(index, end.to, With { message: end.message, ..With::default() }, changes);
        for key in sheet.advance(changes) {
            changes.owe(Kind::Wake, key.uuid(), None);
        }
    }
    Ok(())
}

/// The lease of a start: as long as its answer may take, or as long as a frozen caller may live.
pub(super) fn lease(class: IdempotencyClass, call_s: u32, now: Timestamp) -> Timestamp {
    let s = match class {
        IdempotencyClass::Token => i64::from(call_s) + SEND_WITHIN_S + SLACK_S,
        IdempotencyClass::Search | IdempotencyClass::None => FUNCTION_S + SEND_WITHIN_S + SLACK_S,
    };
    now.checked_add(SignedDuration::from_secs(s)).unwrap_or(now)
}

const fn class_text(class: IdempotencyClass) -> &'static str {
    match class {
        IdempotencyClass::Token => "token",
        IdempotencyClass::Search => "search",
        IdempotencyClass::None => "none",
    }
}

/// The statements of the claim proper: the second one says which task runs moved, the others follow from what it did.
fn add_intents(batch: &mut Batch<'_>, within: Within<'_>, intents: &[Intent], changes: &mut Changes) {
    let now = changes.now;
    let runs: Vec<RunId> = intents.iter().map(|(c, ..)| c.run).collect::<BTreeSet<_>>().into_iter().collect();
    let numbers = || intents.iter().map(|(c, ..)| c.attempts + 1).collect::<Vec<_>>();
    let tasks = || intents.iter().map(|(c, ..)| c.task_run).collect::<Vec<_>>();
    let attempts = || intents.iter().map(|(_, t, _)| t.attempt).collect::<Vec<_>>();
    let leases: Vec<_> = intents.iter().map(|(_, _, r)| lease(r.class, r.call_s, now)).collect();
    changes.watch_by(leases.iter().min().copied());
    batch.add(sql!("runs/lock.sql"), bind![runs.clone()]);
    batch.add(sql!("task_runs/take.sql"), bind![tasks(), numbers(), now]);
    batch.add(
        sql!("attempts/insert.sql"),
        bind![
            attempts(),
            tasks(),
            numbers(),
            intents.iter().map(|(c, ..)| c.weight).collect::<Vec<_>>(),
            leases,
            intents.iter().map(|(_, _, r)| class_text(r.class)).collect::<Vec<_>>(),
            intents.iter().map(|(_, _, r)| r.digest.clone()).collect::<Vec<_>>(),
            intents.iter().map(|(_, _, r)| r.handle.clone()).collect::<Vec<_>>(),
            now,
        ],
    );
    batch.add(sql!("slots/take.sql"), bind![attempts()]);
    let event_ids: Vec<EventId> = intents.iter().map(|_| within.clock.new_id()).collect();
    batch.add(sql!("events/taken.sql"), bind![event_ids, attempts(), now]);
    let event_ids: Vec<EventId> = runs.iter().map(|_| within.clock.new_id()).collect();
    batch.add(sql!("runs/activate.sql"), bind![runs, event_ids, now]);
}

//! Answers of platforms are recorded: attempts move, slots are freed, graphs advance, runs end, and what became ready on the
//! keys at hand is taken on at once, all in one transaction.

use std::collections::BTreeSet;

use super::{
    Actor, Budget, Messages, Taken, Within,
    answer::{Answer, Outcome},
    attempt::AttemptHead,
    batch::{Batch, bind},
    changes::Changes,
    claim, kept,
    known::Known,
    moves::Orphan,
    outcome,
    sheet::{self, Sheet},
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        ids::{AttemptId, ConnectionId, Id, RunId},
        state::TaskState,
    },
    queue::Kind,
    sql,
};

/// What settling came to.
#[derive(Debug, Default)]
pub struct Settled {
    /// Starts to be made after the commit.
    pub taken: Vec<Taken>,
    /// Messages to send after the commit.
    pub messages: Messages,
}

/// Records answers and takes on what may go now. `keys` are locked too: those of a poll's round.
pub async fn settle(
    within: Within<'_>,
    answers: &[Answer],
    keys: &[ConnectionId],
    budget: Budget,
    known: &mut Known,
) -> Result<Settled, DbError> {
    let runs: Vec<RunId> = answers.iter().map(|a| a.run).collect::<BTreeSet<_>>().into_iter().collect();
    let keys: BTreeSet<ConnectionId> = answers.iter().map(|a| a.key).chain(keys.iter().copied()).collect();
    let mut batch = Batch::default();
    batch.add(sql!("slots/hold.sql"), bind![]);
    batch.add(sql!("slots/lock.sql"), bind![keys.iter().copied().collect::<Vec<_>>(), runs.clone()]);
    sheet::add_reads(&mut batch, &runs, &known.versions);
    batch.add(sql!("attempts/heads.sql"), bind![answers.iter().map(|a| a.attempt).collect::<Vec<_>>()]);
    let rows = batch.run(within.tx).await?;
    let active = claim::is_active(&rows[0])?;
    let locked: BTreeSet<ConnectionId> =
        rows[1].iter().map(|row| row.try_get("key")).collect::<Result<_, _>>()?;
    let mut sheets = sheet::read(&rows[2..5], &mut known.versions)?;
    let mut changes = Changes::new(Actor::System, within.tx.entered()?.now);
    let notes = apply(within, answers, &rows[5], &mut sheets, &mut changes)?;
    for sheet in &mut sheets {
        for key in sheet.advance(&mut changes).into_iter().filter(|key| !locked.contains(key)) {
            changes.owe(Kind::Wake, key.uuid(), None);
        }
    }
    if !active {
        // Whoever waits on these keys is found again once the workspace is active.
        locked.iter().for_each(|key| changes.owe(Kind::Wake, key.uuid(), None));
    }

    let mut batch = Batch::default();
    add_notes(&mut batch, &notes);
    let now = changes.now;
    let written = changes.add_to(&mut batch, within, &[]);
    let first = batch.len();
    claim::add_candidates(&mut batch, &locked.into_iter().collect::<Vec<_>>(), &[], budget, known);
    let rows = batch.run(within.tx).await?;
    let mut messages = written.messages(within, &rows)?;
    let waiting = claim::read_candidates(&rows[first..], known, active)?;
    if waiting.candidates.is_empty() {
        return Ok(Settled { taken: Vec::new(), messages });
    }
    let changes = Changes::new(Actor::System, now);
    let (taken, more) = claim::take(within, waiting, budget, known, (changes, &[])).await?;
    messages.extend(more);
    Ok(Settled { taken, messages })
}

/// What a poll learnt that moves nothing.
type Note = (AttemptId, Option<String>, Option<String>);

/// Notes on the sheets what each answer moves. One that finds its attempt elsewhere moves nothing; an external run that
/// nothing knows of becomes an orphan.
fn apply(
    within: Within<'_>,
    answers: &[Answer],
    heads: &[Row],
    sheets: &mut [Sheet],
    changes: &mut Changes,
) -> Result<Vec<Note>, DbError> {
    let heads = heads.iter().map(AttemptHead::from_row).collect::<Result<Vec<_>, _>>()?;
    let mut notes = Vec::new();
    for answer in answers {
        let Some(head) = heads.iter().find(|head| head.id == answer.attempt) else { continue };
        let sheet = sheets.iter_mut().find(|sheet| sheet.id == answer.run);
        let place = sheet.and_then(|sheet| sheet.index_of(answer.task_run).map(|index| (sheet, index)));
        let Some((sheet, index)) = place else { continue };
        let TaskState::Active(at) = head.state else {
            orphan(within, answer, head, changes);
            continue;
        };
        let is_late = head.epoch != answer.epoch;
        if is_late && (head.external_id.is_some() || answer.outcome.external_id().is_none()) {
            orphan(within, answer, head, changes);
            continue;
        }
        let fit = kept::fit(&answer.outcome);
        if let Outcome::Running { platform_state, warning } = fit {
            notes.push((head.id, platform_state, warning));
            continue;
        }
        let dice = dice(within);
        outcome::apply(&fit, (head, at), (sheet, index), dice, changes);
        if let Some(moved) = changes.attempts.last_mut().filter(|moved| is_late && moved.id == head.id) {
            // The answer to an earlier send ends the doubt: what the later send brings finds its epoch gone.
            moved.next_epoch += 1;
        }
    }
    Ok(notes)
}

/// An answer that came too late, about an external run that the attempt does not own.
fn orphan(within: Within<'_>, answer: &Answer, head: &AttemptHead, changes: &mut Changes) {
    let fit = kept::fit(&answer.outcome);
    let Some(external_id) = fit.external_id() else { return };
    if head.external_id.as_deref() == Some(external_id) {
        return;
    }
    tracing::warn!(attempt = %answer.attempt, "an external run has no attempt that owns it; it will be stopped");
    changes.orphans.push(Orphan {
        id: within.clock.new_id(),
        attempt: answer.attempt,
        key: answer.key,
        external_id: external_id.to_owned(),
    });
    changes.polls.insert(answer.key, changes.now);
}

fn add_notes(batch: &mut Batch<'_>, notes: &[Note]) {
    if notes.is_empty() {
        return;
    }
    batch.add(
        sql!("attempts/note.sql"),
        bind![
            notes.iter().map(|n| n.0).collect::<Vec<_>>(),
            notes.iter().map(|n| n.1.clone()).collect::<Vec<_>>(),
            notes.iter().map(|n| n.2.clone()).collect::<Vec<_>>(),
        ],
    );
}

/// Evenly drawn from [0, 1): the random tail of a fresh id.
fn dice(within: Within<'_>) -> f64 {
    let id: AttemptId = within.clock.new_id();
    let tail = id.uuid().as_u128() as u32;
    f64::from(tail) / (f64::from(u32::MAX) + 1.0)
}

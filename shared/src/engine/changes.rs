//! What a transaction has decided, gathered while it decides and written in bulk: one statement per table however many rows.
//! Each row names the state it expects; under the run's lock that is what it is, so another count of rows is a defect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Actor, LOOK_AHEAD_S, Messages, Within,
    batch::{Batch, bind},
    delay_s,
    moves::{AttemptMove, Event, Orphan, RunMove, TaskMove},
    wake,
};
use crate::{
    db::Row,
    error::DbError,
    model::{
        ids::{ConnectionId, EventId, Id, OutboxId},
        state::TaskState,
    },
    queue::{Kind, Message},
    sql,
};

/// Everything decided.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
    pub(crate) attempts: Vec<AttemptMove>,
    pub(crate) tasks: Vec<TaskMove>,
    pub(crate) runs: Vec<RunMove>,
    pub(crate) events: Vec<Event>,
    pub(crate) freed: BTreeMap<ConnectionId, i32>,
    pub(crate) paused: BTreeMap<ConnectionId, Timestamp>,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) owed: Vec<(Kind, Uuid, Option<Timestamp>)>,
    /// Connections with something new to ask about, and when.
    pub(crate) polls: BTreeMap<ConnectionId, Timestamp>,
    /// The earliest instant at which a lease or a time limit passes.
    pub(crate) watch: Option<Timestamp>,
}

/// A poll whose message was lost is sent again by the tick this long after it was due.
pub(crate) const POLL_GRACE_S: i64 = 30;

impl Changes {
    pub(crate) fn new(actor: Actor, now: Timestamp) -> Self {
        Self {
            actor,
            now,
            attempts: Vec::new(),
            tasks: Vec::new(),
            runs: Vec::new(),
            events: Vec::new(),
            freed: BTreeMap::new(),
            paused: BTreeMap::new(),
            orphans: Vec::new(),
            owed: Vec::new(),
            polls: BTreeMap::new(),
            watch: None,
        }
    }

    /// Something has to be looked at by then.
    pub(crate) fn watch_by(&mut self, at: Option<Timestamp>) {
        self.watch = [self.watch, at].into_iter().flatten().min();
    }

    /// Moves a task. Moves of one task in one transaction are written as one, from the first state to the last.
    pub(crate) fn move_task(&mut self, next: TaskMove) {
        match self.tasks.iter_mut().find(|earlier| earlier.id == next.id) {
            Some(earlier) => *earlier = TaskMove { from: earlier.from, ..next },
            None => self.tasks.push(next),
        }
    }

    /// Owes a message, once however often it is asked for.
    pub(crate) fn owe(&mut self, kind: Kind, id: Uuid, at: Option<Timestamp>) {
        if !self.owed.contains(&(kind, id, at)) {
            self.owed.push((kind, id, at));
        }
    }

    /// Writes it all, in one round trip after the statements that `batch` holds already; gives their rows and what to send.
    /// `done` are the messages that this transaction takes on.
    pub(crate) async fn write(
        self,
        within: Within<'_>,
        done: &[OutboxId],
        mut batch: Batch<'_>,
    ) -> Result<(Vec<Vec<Row>>, Messages), DbError> {
        let written = self.add_to(&mut batch, within, done);
        let answers = batch.run(within.tx).await?;
        let messages = written.messages(within, &answers)?;
        Ok((answers, messages))
    }

    /// Adds all of its statements to a batch.
    pub(crate) fn add_to(self, batch: &mut Batch<'_>, within: Within<'_>, done: &[OutboxId]) -> Written {
        let mut counts = Vec::new();
        self.add_moves(batch, &mut counts);
        self.add_slots(batch);
        add_events(batch, within, self.actor, self.now, &self.events);
        let (owed, messages) = wake::prepare(within, &self.owed);
        if !owed.is_empty() {
            let (ids, kinds, subjects, available) = crate::store::outbox::columns(&owed);
            batch.add(sql!("outbox/enqueue.sql"), bind![ids, kinds, subjects, available]);
        }
        let early = (!done.is_empty()).then_some(batch.len());
        if early.is_some() {
            batch.add(sql!("outbox/done.sql"), bind![done.to_vec()]);
        }
        let first_due = batch.len();
        let dues = self.add_dues(batch, within);
        Written { counts, messages, early, first_due, dues, now: self.now }
    }

    fn add_moves<'a>(&self, batch: &mut Batch<'a>, counts: &mut Vec<(&'static str, usize, u64)>) {
        let mut expect = |name, batch: &Batch<'_>, rows: usize| counts.push((name, batch.len(), rows as u64));
        if !self.runs.is_empty() {
            expect("runs/move", batch, self.runs.len());
            let ids: Vec<_> = self.runs.iter().map(|r| r.id).collect();
            let from: Vec<_> = self.runs.iter().map(|r| r.from.as_str()).collect();
            let to: Vec<_> = self.runs.iter().map(|r| r.to.as_str()).collect();
            let reasons: Vec<_> = self.runs.iter().map(|r| r.reason).collect();
            batch.add(sql!("runs/move.sql"), bind![ids, from, to, reasons, self.now]);
        }
        if !self.tasks.is_empty() {
            expect("task_runs/move", batch, self.tasks.len());
            batch.add(sql!("task_runs/move.sql"), self.task_columns());
        }
        if !self.attempts.is_empty() {
            expect("attempts/move", batch, self.attempts.len());
            batch.add(sql!("attempts/move.sql"), self.attempt_columns());
        }
        if !self.orphans.is_empty() {
            let ids: Vec<_> = self.orphans.iter().map(|o| o.id).collect();
            let keys: Vec<_> = self.orphans.iter().map(|o| o.key).collect();
            let attempts: Vec<_> = self.orphans.iter().map(|o| o.attempt).collect();
            let external: Vec<_> = self.orphans.iter().map(|o| o.external_id.clone()).collect();
            batch.add(sql!("orphans/insert.sql"), bind![ids, keys, attempts, external, self.now]);
        }
    }

    fn task_columns<'a>(&self) -> Vec<super::batch::Bound<'a>> {
        let of = &self.tasks;
        bind![
            of.iter().map(|t| t.id).collect::<Vec<_>>(),
            of.iter().map(|t| t.from.state()).collect::<Vec<_>>(),
            of.iter().map(|t| t.from.reason()).collect::<Vec<_>>(),
            of.iter().map(|t| t.to.state()).collect::<Vec<_>>(),
            of.iter().map(|t| t.to.reason()).collect::<Vec<_>>(),
            of.iter().map(|t| t.ready_at).collect::<Vec<_>>(),
            of.iter().map(|t| t.start_by).collect::<Vec<_>>(),
            of.iter().map(|t| t.close_by).collect::<Vec<_>>(),
            of.iter().map(|t| t.outputs.clone()).collect::<Vec<_>>(),
            of.iter().map(|t| t.message.clone()).collect::<Vec<_>>(),
            self.now,
        ]
    }

    fn attempt_columns<'a>(&self) -> Vec<super::batch::Bound<'a>> {
        let of = &self.attempts;
        let reason = |state: TaskState| state.reason();
        bind![
            of.iter().map(|a| a.id).collect::<Vec<_>>(),
            of.iter().map(|a| a.epoch).collect::<Vec<_>>(),
            of.iter().map(|a| reason(TaskState::Active(a.from))).collect::<Vec<_>>(),
            of.iter().map(|a| a.to.state()).collect::<Vec<_>>(),
            of.iter().map(|a| a.to.reason()).collect::<Vec<_>>(),
            of.iter().map(|a| a.next_epoch).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.external_id.clone()).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.external_url.clone()).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.platform_state.clone()).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.warning.clone()).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.error_class).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.error_message.clone()).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.lease_until).collect::<Vec<_>>(),
            of.iter().map(|a| a.facts.deadline_at).collect::<Vec<_>>(),
            self.now,
        ]
    }

    fn add_slots(&self, batch: &mut Batch<'_>) {
        if !self.freed.is_empty() {
            let keys: Vec<_> = self.freed.keys().copied().collect();
            let weights: Vec<_> = self.freed.values().copied().collect();
            batch.add(sql!("slots/free.sql"), bind![keys, weights]);
        }
        if !self.paused.is_empty() {
            let keys: Vec<_> = self.paused.keys().copied().collect();
            let until: Vec<_> = self.paused.values().copied().collect();
            batch.add(sql!("slots/pause.sql"), bind![keys, until]);
        }
    }

    fn add_dues(&self, batch: &mut Batch<'_>, within: Within<'_>) -> Vec<Due> {
        let mut dues = Vec::new();
        for (key, at) in &self.polls {
            let grace = jiff::SignedDuration::from_secs(POLL_GRACE_S);
            batch.add(sql!("due/pull.sql"), bind!["poll", key.uuid(), at.checked_add(grace).unwrap_or(*at)]);
            dues.push(Due { kind: Kind::Poll, id: key.uuid(), at: *at, send: true });
        }
        if let Some(at) = self.watch {
            let tenant = within.route.tenant.uuid();
            batch.add(sql!("due/pull.sql"), bind!["watch", tenant, at]);
            dues.push(Due { kind: Kind::Watch, id: tenant, at, send: delay_s(self.now, at) <= LOOK_AHEAD_S });
        }
        dues
    }
}

/// What was added to a batch, to be held against its answers.
pub(crate) struct Written {
    counts: Vec<(&'static str, usize, u64)>,
    messages: Messages,
    /// Where the messages stand that came before their instant.
    early: Option<usize>,
    first_due: usize,
    dues: Vec<Due>,
    now: Timestamp,
}

impl Written {
    /// Checks that every row moved; then what to send after the commit.
    pub(crate) fn messages(self, within: Within<'_>, answers: &[Vec<Row>]) -> Result<Messages, DbError> {
        for (name, index, expected) in self.counts {
            let moved = u64::try_from(answers[index].len()).unwrap_or(u64::MAX);
            if moved != expected {
                return Err(DbError::Moved { statement: name, expected, moved });
            }
        }
        let mut messages = self.messages;
        for row in self.early.map(|index| answers[index].as_slice()).unwrap_or_default() {
            messages.extend(wake::again(within, row, self.now)?);
        }
        for (rows, due) in answers[self.first_due..].iter().zip(self.dues) {
            messages.extend(due.message(rows, within, self.now)?);
        }
        Ok(messages)
    }
}

struct Due {
    kind: Kind,
    id: Uuid,
    at: Timestamp,
    send: bool,
}

impl Due {
    /// The message of a due instant that moved; one that did not move has its message under way.
    fn message(
        &self,
        rows: &[Row],
        within: Within<'_>,
        now: Timestamp,
    ) -> Result<Option<(Message, i32)>, DbError> {
        let round: Option<i32> = rows.first().map(|row| row.try_get("round")).transpose()?.flatten();
        let Some(round) = round.filter(|_| self.send) else { return Ok(None) };
        let delay = i32::try_from(delay_s(now, self.at)).unwrap_or(i32::MAX);
        let route = within.route.clone();
        Ok(Some((Message { route, kind: self.kind, id: self.id, round, at: None, outbox: None }, delay)))
    }
}

/// Writes events with the actor and the instant of the transaction.
pub(crate) fn add_events(
    batch: &mut Batch<'_>,
    within: Within<'_>,
    actor: Actor,
    now: Timestamp,
    events: &[Event],
) {
    if events.is_empty() {
        return;
    }
    let (actor_kind, actor_id) = actor.columns();
    batch.add(
        sql!("events/insert.sql"),
        bind![
            events.iter().map(|_| within.clock.new_id()).collect::<Vec<EventId>>(),
            events.iter().map(|e| e.run).collect::<Vec<_>>(),
            events.iter().map(|e| e.task_run).collect::<Vec<_>>(),
            events.iter().map(|e| e.attempt).collect::<Vec<_>>(),
            events.iter().map(|e| e.from).collect::<Vec<_>>(),
            events.iter().map(|e| e.to).collect::<Vec<_>>(),
            events.iter().map(|e| e.reason).collect::<Vec<_>>(),
            events.iter().map(|e| e.detail.clone()).collect::<Vec<_>>(),
            actor_kind,
            actor_id,
            now,
        ],
    );
}

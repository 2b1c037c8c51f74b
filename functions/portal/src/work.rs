//! A write: one transaction with its audit row, its kept answer, and the messages to send once it is committed.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    engine::{Messages, Within},
    error::{DbError, Refusal},
    model::{
        ids::UserId,
        limit::Limit,
        role::Permission,
        tenant::{Route, TenantState},
    },
    queue::Call,
    store::{audit, idempotency, limits},
};
use uuid::Uuid;

use crate::{
    caller::Caller,
    door::Held,
    fault::{Answered, Fault, Stop},
    reply::{Answer, Reply},
};

/// A transaction that changes something.
pub(crate) struct Work {
    held: Held,
    caller: Caller,
    route: Route,
    messages: Messages,
    while_in: &'static [TenantState],
    calls_steward: bool,
}

/// What was changed, for the audit log.
pub(crate) struct Change {
    action: &'static str,
    target: Uuid,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl Change {
    /// A change: `connection.create`, and to which.
    pub(crate) fn new(action: &'static str, target: Uuid) -> Self {
        Self { action, target, before: None, after: None }
    }

    /// What was there.
    pub(crate) fn before(self, thing: &impl Serialize) -> Self {
        Self { before: Some(audit::digest(thing)), ..self }
    }

    /// What is there now.
    pub(crate) fn after(self, thing: &impl Serialize) -> Self {
        Self { after: Some(audit::digest(thing)), ..self }
    }
}

impl Work {
    /// Begins. The scope opens with the first statement: with an idempotency key, that is the key's reservation.
    pub(crate) async fn begin(caller: &Caller, while_in: &'static [TenantState]) -> Answered<Self> {
        let held = caller.enter().await?;
        let principal = &caller.principal;
        let route = Route { tenant: principal.tenant_id, schema: principal.tenant_schema.clone() };
        let work = Self {
            held,
            caller: caller.clone(),
            route,
            messages: Vec::new(),
            while_in,
            calls_steward: false,
        };
        if let Some(key) = &caller.request.key {
            let kept = idempotency::reserve(&work, caller.user(), key).await?;
            replay(key, &kept)?;
            work.check_state()?;
        }
        Ok(work)
    }

    /// The workspace may be written to. Known once the first statement was answered, and always asked before the commit.
    fn check_state(&self) -> Result<(), Fault> {
        if self.while_in.contains(&self.held.entered()?.state) {
            return Ok(());
        }
        if !self.while_in.contains(&TenantState::Active) {
            return Err(DbError::Refused(Refusal::WorkspaceState).into());
        }
        let detail = "This workspace is suspended: it can be read, not changed.";
        Err(Fault::conflict("workspace_suspended", detail))
    }

    /// Database time as the transaction began.
    pub(crate) async fn now(&self) -> Result<Timestamp, Fault> {
        if let Ok(entered) = self.held.entered() {
            return Ok(entered.now);
        }
        Ok(self.held.open().await?.now)
    }

    /// Makes sure that there is room for one more under a quota, and holds it until the commit.
    pub(crate) async fn hold(&self, quota: Limit) -> Result<(), Fault> {
        Ok(limits::hold(self, quota).await?)
    }

    /// What the caller may do here now.
    pub(crate) async fn permissions(&self) -> Result<Vec<Permission>, Fault> {
        if let Ok(entered) = self.held.entered() {
            return Ok(entered.permissions());
        }
        Ok(self.held.open().await?.permissions())
    }

    /// Who changes it.
    pub(crate) fn user(&self) -> UserId {
        self.caller.user()
    }

    /// The transaction as the engine takes it.
    pub(crate) fn within(&self) -> Within<'_> {
        Within { tx: &self.held, route: &self.route, clock: &self.caller.app.clock }
    }

    /// Messages to send after the commit.
    pub(crate) fn send_later(&mut self, messages: Messages) {
        self.messages.extend(messages);
    }

    /// The steward is woken after the commit: an operation was asked for.
    pub(crate) fn calling_the_steward(self) -> Self {
        Self { calls_steward: true, ..self }
    }

    /// Keeps the answer under the request's key, writes the audit row, commits, and sends what is owed. Nothing is committed past
    /// an `If-Match` that nobody looked at.
    pub(crate) async fn commit<const STATUS: u16, T>(
        self,
        change: Change,
        answer: Answer<STATUS, T>,
    ) -> Answered<Answer<STATUS, T>> {
        let kept = answer.reply().keep();
        self.end(change, kept).await?;
        Ok(answer)
    }

    /// The same for an answer that shows a secret: what is kept under the request's key is another, without it.
    pub(crate) async fn commit_shown_once<const STATUS: u16, T>(
        self,
        change: Change,
        answer: Answer<STATUS, T>,
        kept: &Answer<STATUS, T>,
    ) -> Answered<Answer<STATUS, T>> {
        self.end(change, kept.reply().keep()).await?;
        Ok(answer)
    }

    async fn end(self, change: Change, kept: idempotency::Answer) -> Answered<()> {
        self.check_state()?;
        self.caller.check_was_asked()?;
        let request = &self.caller.request;
        if let Some(key) = &request.key {
            idempotency::finish(&self.held, self.user(), &key.key, &kept).await?;
        }
        let record = audit::Record {
            before: change.before,
            after: change.after,
            ..self.caller.record(&self.held, change.action, Some(change.target))?
        };
        let (held, messages, app, calls) = (self.held, self.messages, self.caller.app, self.calls_steward);
        audit::commit(held.into_tx(), &record).await?;
        if !messages.is_empty() {
            app.queue.send(&messages).await;
        }
        if calls {
            app.steward.call(Call::Operate, Duration::ZERO).await;
        }
        Ok(())
    }
}

impl std::ops::Deref for Work {
    type Target = shared::db::TenantTx;
    fn deref(&self) -> &shared::db::TenantTx {
        &self.held
    }
}

/// Stops with the answer that was kept, or where the key stands for another request.
fn replay(key: &idempotency::Key, kept: &idempotency::Kept) -> Result<(), Stop> {
    if kept.operation != key.operation || kept.body_hash != key.body_hash {
        let detail = "This Idempotency-Key was used for another request.";
        return Err(Fault::new(StatusCode::CONFLICT, "idempotency_conflict", detail).into());
    }
    if kept.status == 0 {
        return Ok(());
    }
    let missing = || Fault::from(DbError::Defect("a kept answer cannot be read".into()));
    Err(Stop::Replay(Reply::kept(kept).ok_or_else(missing)?))
}

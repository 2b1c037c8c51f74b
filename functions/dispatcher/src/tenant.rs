//! One workspace in one invocation: how its transactions begin, how much may be taken on, how a failure is told.

use std::{future::Future, ops::Deref};

use jiff::Timestamp;
use shared::{
    db::{Scope, TenantTx},
    engine::{Budget, Taken, Within},
    error::{DbError, chain},
    model::tenant::Route,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Dispatcher;

/// Calls in flight in one workspace's share of an invocation; what is beyond goes to another instance.
const CALLS: usize = 16;

/// Transactions of one workspace at once in an instance: fewer than the connections of its pool, so that one workspace's long
/// statements leave some to the others of the batch. No transaction waits for another to begin, so turns cannot lock up.
const TURNS: usize = 2;

/// Kept back at the end of an invocation, to record what came of the last calls.
const RESERVE_S: i64 = 6;

/// Longer than one try to record takes in a database that gives no answer.
const ANSWER_S: i64 = 14;

/// One workspace in one invocation.
pub(crate) struct Tenant<'a> {
    pub(crate) dispatcher: &'a Dispatcher,
    pub(crate) route: &'a Route,
    deadline: Timestamp,
    scope: Scope,
    turns: Semaphore,
}

/// A transaction, and the turn that it has.
pub(crate) struct Begun<'a> {
    tx: TenantTx,
    _turn: Option<SemaphorePermit<'a>>,
}

impl<'a> Tenant<'a> {
    /// The workspace of a group, until the invocation's deadline.
    pub(crate) fn new(dispatcher: &'a Dispatcher, route: &'a Route, deadline: Timestamp) -> Self {
        let (scope, turns) = (Scope::Worker(route.clone()), Semaphore::new(TURNS));
        Self { dispatcher, route, deadline, scope, turns }
    }

    /// Begins a transaction in the workspace, once it is its turn.
    pub(crate) async fn begin(&self, name: &'static str) -> Result<Begun<'_>, DbError> {
        // It is never closed.
        let turn = self.turns.acquire().await.ok();
        let tx = TenantTx::begin(&self.dispatcher.database, &self.scope, name).await?;
        Ok(Begun { tx, _turn: turn })
    }

    /// The transaction with what the rules need beside it.
    pub(crate) fn within<'t>(&'t self, tx: &'t TenantTx) -> Within<'t> {
        Within { tx, route: self.route, clock: &self.dispatcher.clock }
    }

    /// Whether there is time to wait for the database, and for its answer after that.
    pub(crate) fn can_wait(&self) -> bool {
        self.deadline.duration_since(self.dispatcher.clock.now()).as_secs() > ANSWER_S + RESERVE_S
    }

    /// What may still be taken on beside `in_flight` calls.
    pub(crate) fn budget(&self, in_flight: usize) -> Budget {
        let left = self.deadline.duration_since(self.dispatcher.clock.now()).as_secs() - RESERVE_S;
        Budget { calls: CALLS.saturating_sub(in_flight), call_s: u32::try_from(left).unwrap_or(0) }
    }
}

impl Begun<'_> {
    /// Commits.
    pub(crate) async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await
    }
}

impl Deref for Begun<'_> {
    type Target = TenantTx;
    fn deref(&self) -> &TenantTx {
        &self.tx
    }
}

/// One event per failure, with its cause.
pub(crate) fn log(error: &DbError, what: &'static str) {
    tracing::error!(cause = chain(error), "{what}");
}

pub(crate) const PAUSES_MS: [u64; 3] = [5, 25, 100];

pub(crate) async fn pause_ms(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

/// Runs a whole transaction again where it may be.
pub(crate) async fn again<T, F: Future<Output = Result<T, DbError>>>(
    work: impl FnMut() -> F,
) -> Result<T, DbError> {
    shared::db::retrying(work).await
}

/// Calls and the instant before they were claimed.
pub(crate) type Order = (Taken, Timestamp);

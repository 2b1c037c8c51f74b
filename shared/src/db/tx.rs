//! The two transactions, and the only `begin` of the product.
//!
//! [`TenantTx`] works inside one workspace's scope; [`SystemTx`] works on schema `system` under a function's own group role.
//! Either owns its connection. The set-up is one batch, sent ahead of the first statement in the same round trip; where any
//! part of it fails the statement fails too, because the login by itself may do nothing. A connection goes back to the pool
//! only after its end was *confirmed*; dropped, cancelled or panicked, it is closed.
//!
//! What runs inside them is `statements.rs`'s, how an end is confirmed is `end.rs`'s; `script.rs` has the transaction of a migration, which
//! is one message. Every answer is waited for with `patience.rs`; a connection that gave none in time is asked nothing more.
//!
//! Never here: a call to anything but Postgres, a session-level SET, a named statement.

mod end;
mod look_up;
mod script;
mod statements;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio_postgres::{
    RowStream, SimpleQueryMessage,
    error::SqlState,
    types::{ToSql, Type},
};

pub(super) use look_up::look_up;

use super::{
    Database, Entered, Scope, SystemRole,
    connection::Pooled,
    moved::Way,
    patience::{FIRST_ANSWER, Patience},
};
use crate::{
    error::{DbError, Refusal},
    model::{
        ids::TenantId,
        tenant::{DatabaseName, SchemaName},
    },
};

/// A guarded transaction inside one workspace.
pub struct TenantTx(Tx);

/// A guarded transaction on schema `system`.
pub struct SystemTx(Tx);

impl TenantTx {
    /// Borrows a connection; the scope opens with the first statement. `name` is for the log.
    pub async fn begin(database: &Database, scope: &Scope, name: &'static str) -> Result<Self, DbError> {
        let route = scope.route();
        if !scope.is_looked_for() {
            let mut tx = Tx::borrow(database, None, name).await?;
            tx.enter(scope, &route.schema);
            return Ok(Self(tx));
        }
        let mut way = database.moved().way(route, Some(scope.whose()));
        if way.is_in_doubt() || database.has_to_look() && !way.is_known() {
            look_up(database, &mut way).await?;
        }
        let mut tx = Tx::borrow(database, way.database.as_ref(), name).await?;
        tx.enter(scope, &way.schema);
        tx.way = Some(way);
        Ok(Self(tx))
    }

    /// Who is here and when, known once the first statement was answered.
    pub fn entered(&self) -> Result<&Entered, DbError> {
        self.0.entered.get().ok_or(DbError::Refused(Refusal::NoSession))
    }

    /// The rows of a statement that [`super::tables`] made, as the server sends them.
    pub(super) async fn streamed(&self, sql: &str) -> Result<RowStream, DbError> {
        let none: [(&(dyn ToSql + Sync), Type); 0] = [];
        self.0.run(self.0.client().query_typed_raw(sql, none)).await
    }

    /// Runs a statement that [`super::tables`] made, with one text.
    pub(super) async fn loaded(&self, sql: &str, text: &str) -> Result<u64, DbError> {
        self.0.run(self.0.client().execute_typed(sql, &[(&text, Type::TEXT)])).await
    }

    /// Opens the scope by itself, where the first statement depends on it.
    pub async fn open(&self) -> Result<&Entered, DbError> {
        self.0.run(self.0.client().query_typed("select", &[])).await?;
        self.entered()
    }
}

impl SystemTx {
    /// Borrows a connection; the role is taken with the first statement.
    pub async fn begin(database: &Database, role: SystemRole, name: &'static str) -> Result<Self, DbError> {
        let mut tx = Tx::borrow(database, None, name).await?;
        if let (SystemRole::Owner | SystemRole::Steward, Some(connection)) = (role, &mut tx.connection) {
            connection.visits_some();
        }
        tx.prepare(&role.set_up());
        tx.longest = role.longest();
        Ok(Self(tx))
    }

    /// Gives the statements of this transaction half a minute each: a workspace's rows are copied in one.
    pub async fn unhurried(&self) -> Result<(), DbError> {
        self.script("set local statement_timeout = '30s'").await
    }

    /// Gives each statement two minutes instead of ten seconds: for counts and walks over everything.
    pub async fn take_time(&self) -> Result<(), DbError> {
        self.script("set local statement_timeout = '120s'").await
    }

    /// Runs a script of several statements: migrations only.
    pub(super) async fn script(&self, text: &str) -> Result<(), DbError> {
        self.0.run(self.0.client().batch_execute(text)).await
    }
}

/// A commit that was in truth a rollback answers without error; setting a value first makes it fail (25P02).
const END_COMMIT: &str = "set local app.ended = '1'; commit";

/// Takes everything back.
const END_ROLLBACK: &str = "rollback";

struct Tx {
    connection: Option<Pooled>,
    setup: Mutex<Option<String>>,
    /// The set-up was answered, and well. Without it nothing is committed.
    opened: AtomicBool,
    entered: OnceLock<Entered>,
    way: Option<Way>,
    name: &'static str,
    tenant: Option<TenantId>,
    patience: Patience,
    /// For how long an answer behind the first one is waited for.
    longest: Duration,
    /// An answer did not come in time.
    is_silent: AtomicBool,
}

impl Tx {
    async fn borrow(
        database: &Database,
        at: Option<&DatabaseName>,
        name: &'static str,
    ) -> Result<Self, DbError> {
        let connections = database.connections(at)?;
        Ok(Self {
            connection: Some(connections.connection().await?),
            setup: Mutex::new(None),
            opened: AtomicBool::new(false),
            entered: OnceLock::new(),
            way: None,
            name,
            tenant: None,
            patience: connections.patience.clone(),
            longest: FIRST_ANSWER,
            is_silent: AtomicBool::new(false),
        })
    }

    /// The connection serves a workspace next, in this schema.
    fn enter(&mut self, scope: &Scope, schema: &SchemaName) {
        if let Some(connection) = &mut self.connection {
            connection.visits(schema);
        }
        self.tenant = Some(scope.route().tenant);
        self.longest = scope.longest();
        self.prepare(&scope.set_up(schema));
    }

    /// What a question is answered, in a transaction of its own as whoever may enter workspaces. A connection whose answer did not
    /// come is closed.
    async fn ask(
        database: &Database,
        at: Option<&DatabaseName>,
        question: &str,
    ) -> Result<Vec<SimpleQueryMessage>, DbError> {
        let mut tx = Self::borrow(database, at, "ask").await?;
        let ask = format!("begin; set local role cell_0001; {question}; rollback");
        let answer = tx.heard(FIRST_ANSWER, tx.client().simple_query(&ask)).await??;
        tx.connection = None;
        Ok(answer)
    }

    fn client(&self) -> &tokio_postgres::Client {
        self.connection.as_ref().expect("held until the end")
    }

    /// What the server says in time.
    async fn heard<F: Future>(&self, within: Duration, answer: F) -> Result<F::Output, DbError> {
        if self.is_silent.load(Ordering::Relaxed) {
            return Err(DbError::Unavailable("it has fallen silent".into()));
        }
        let heard = self.patience.wait(within, answer).await;
        self.is_silent.fetch_or(heard.is_err(), Ordering::Relaxed);
        heard
    }

    /// Awaits a statement; ahead of the first one goes the set-up. `select` polls in order, so the wire keeps it.
    async fn run<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(setup) = setup else { return self.answered(statement).await };
        let opening = pin!(self.heard(FIRST_ANSWER, self.client().simple_query(&setup)));
        let (opened, answer) = match select(opening, pin!(statement)).await {
            Either::Left((opened, statement)) => (opened?, self.heard(self.longest, statement).await?),
            Either::Right((answer, opening)) => (opening.await?, answer),
        };
        self.note(&opened.map_err(|error| self.refused(self.failed(error)))?)?;
        self.opened.store(true, Ordering::Relaxed);
        answer.map_err(|error| self.failed(error))
    }

    /// Of statements that travel together the first failure aborts the transaction, and those behind it only say so. Answers come
    /// in order: the cause is there already, and is let past.
    async fn answered<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        let answer = self.heard(self.longest, statement).await?;
        if let Err(error) = &answer
            && error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
        {
            tokio::task::yield_now().await;
        }
        answer.map_err(|error| self.failed(error))
    }

    /// A statement's failure. That Postgres had to refuse a permission is told at once, whoever asks: an alarm counts these lines.
    fn failed(&self, error: tokio_postgres::Error) -> DbError {
        let error = DbError::from(error);
        if error.is_denied() {
            let tenant = self.tenant.map(|tenant| tenant.to_string());
            tracing::error!(event = "crossing_attempt", kind = "denied", tenant, transaction = self.name);
        }
        error
    }

    /// What goes ahead of the first statement.
    fn prepare(&self, setup: &str) {
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("begin; {setup}"));
    }

    /// A refusal, or a reason to try again where the workspace may only have moved.
    fn refused(&self, error: DbError) -> DbError {
        let is_refused = matches!(error, DbError::Refused(Refusal::NoSession | Refusal::NoWorkspace));
        if is_refused && self.way.as_ref().is_some_and(Way::doubt) {
            return DbError::Retry("the workspace may have moved".into());
        }
        error
    }

    /// Keeps what the scope told.
    fn note(&self, messages: &[SimpleQueryMessage]) -> Result<(), DbError> {
        let row = messages.iter().find_map(|m| match m {
            SimpleQueryMessage::Row(row) if Entered::is_in(row) => Some(row),
            _ => None,
        });
        let Some(row) = row else { return Ok(()) };
        let entered = Entered::read(row)?;
        self.entered.set(entered).map_err(|_| DbError::Refused(Refusal::NoSession))
    }
}

//! The two transactions, and the only `begin` of the product.
//!
//! [`TenantTx`] works inside one workspace's scope; [`SystemTx`] works on schema `system` under a function's own group role.
//! Either owns its connection. The set-up is one batch, sent ahead of the first statement in the same round trip; where any
//! part of it fails the statement fails too, because the login by itself may do nothing. A connection goes back to the pool
//! only after its end was *confirmed*; dropped, cancelled or panicked, it is closed.
//!
//! Never here: a call to anything but Postgres, a session-level SET, a named statement.

use std::{
    future::Future,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use deadpool_postgres::Object;
use futures_util::future::join;
use tokio_postgres::{
    Row, RowStream, SimpleQueryMessage,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{Database, Entered, FromRow, Param, Scope, SystemRole};
use crate::{
    error::{DbError, Refusal},
    model::ids::TenantId,
};

/// A guarded transaction inside one workspace.
pub struct TenantTx(Tx);

/// A guarded transaction on schema `system`.
pub struct SystemTx(Tx);

impl TenantTx {
    /// Borrows a connection; the scope opens with the first statement. `name` is for the log.
    pub async fn begin(database: &Database, scope: &Scope, name: &'static str) -> Result<Self, DbError> {
        let mut tx = Tx::borrow(database, scope.set_up(), name).await?;
        tx.tenant = Some(scope.route().tenant);
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
        Tx::borrow(database, role.set_up(), name).await.map(Self)
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

macro_rules! statements {
    ($tx:ident) => {
        impl $tx {
            /// All rows of a statement.
            pub async fn all<T: FromRow>(
                &self,
                sql: &'static str,
                params: &[&dyn Param],
            ) -> Result<Vec<T>, DbError> {
                self.rows(sql, params).await?.iter().map(T::from_row).collect()
            }

            /// The one row of a statement, or none.
            pub async fn optional<T: FromRow>(
                &self,
                sql: &'static str,
                params: &[&dyn Param],
            ) -> Result<Option<T>, DbError> {
                self.rows(sql, params).await?.first().map(T::from_row).transpose()
            }

            /// The one row of a statement; none is absent.
            pub async fn one<T: FromRow>(
                &self,
                sql: &'static str,
                params: &[&dyn Param],
            ) -> Result<T, DbError> {
                self.optional(sql, params).await?.ok_or(DbError::Refused(Refusal::Absent))
            }

            /// The rows as the driver gives them.
            pub async fn rows(&self, sql: &'static str, params: &[&dyn Param]) -> Result<Vec<Row>, DbError> {
                let typed = typed(params);
                self.0.run(self.0.client().query_typed(sql, &typed)).await
            }

            /// Runs a statement and says how many rows it moved.
            pub async fn execute(&self, sql: &'static str, params: &[&dyn Param]) -> Result<u64, DbError> {
                let typed = typed(params);
                self.0.run(self.0.client().execute_typed(sql, &typed)).await
            }

            /// Runs a statement that must move exactly one row.
            pub async fn execute_one(
                &self,
                name: &'static str,
                sql: &'static str,
                params: &[&dyn Param],
            ) -> Result<(), DbError> {
                match self.execute(sql, params).await? {
                    1 => Ok(()),
                    moved => Err(DbError::Moved { statement: name, expected: 1, moved }),
                }
            }

            /// Commits, and confirms that it was a commit.
            pub async fn commit(self) -> Result<(), DbError> {
                self.0.end(END_COMMIT).await
            }

            /// Rolls back and returns the connection.
            pub async fn rollback(self) -> Result<(), DbError> {
                self.0.end("rollback").await
            }

            /// Runs a last statement with the commit in the same round trip.
            pub async fn last(self, sql: &'static str, params: &[&dyn Param]) -> Result<Vec<Row>, DbError> {
                let typed = typed(params);
                self.0.last(sql, &typed).await
            }
        }
    };
}
statements!(TenantTx);
statements!(SystemTx);

/// A commit that was in truth a rollback answers without error; setting a value first makes it fail (25P02).
const END_COMMIT: &str = "set local app.ended = '1'; commit";

struct Tx {
    connection: Option<Object>,
    setup: Mutex<Option<String>>,
    /// The set-up was answered, and well. Without it nothing is committed.
    opened: AtomicBool,
    entered: OnceLock<Entered>,
    name: &'static str,
    tenant: Option<TenantId>,
}

impl Tx {
    async fn borrow(database: &Database, setup: String, name: &'static str) -> Result<Self, DbError> {
        Ok(Self {
            connection: Some(database.connection().await?),
            setup: Mutex::new(Some(format!("begin; {setup}"))),
            opened: AtomicBool::new(false),
            entered: OnceLock::new(),
            name,
            tenant: None,
        })
    }

    fn client(&self) -> &tokio_postgres::Client {
        self.connection.as_ref().expect("held until the end")
    }

    /// Awaits a statement; ahead of the first one goes the set-up. `join` polls in order, so the wire keeps it.
    async fn run<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(setup) = setup else { return self.answered(statement).await };
        let (opened, answer) = join(self.client().simple_query(&setup), statement).await;
        self.note(&opened.map_err(|error| self.failed(error))?)?;
        self.opened.store(true, Ordering::Relaxed);
        answer.map_err(|error| self.failed(error))
    }

    /// Of statements that travel together the first failure aborts the transaction, and those behind it only say so. Answers come
    /// in order: the cause is there already, and is let past.
    async fn answered<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        let answer = statement.await;
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

    /// Keeps what the scope told.
    fn note(&self, messages: &[SimpleQueryMessage]) -> Result<(), DbError> {
        let row = messages.iter().find_map(|m| match m {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let Some(row) = row else { return Ok(()) };
        let entered = Entered::read(row)?;
        self.entered.set(entered).map_err(|_| DbError::Refused(Refusal::NoSession))
    }

    async fn last(
        mut self,
        sql: &'static str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, DbError> {
        let (answer, ended) = {
            let statement = self.run(self.client().query_typed(sql, params));
            join(statement, self.client().simple_query(END_COMMIT)).await
        };
        match (answer, ended) {
            (Ok(rows), Ok(_)) => {
                self.connection = None;
                Ok(rows)
            }
            (Err(error), _) => {
                // A confirmed rollback saves the connection.
                if self.client().simple_query("rollback").await.is_ok() {
                    self.connection = None;
                }
                Err(error)
            }
            (Ok(_), Err(error)) => Err(error.into()),
        }
    }

    async fn end(mut self, how: &'static str) -> Result<(), DbError> {
        if self.setup.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.connection = None;
            return Ok(());
        }
        if !self.opened.load(Ordering::Relaxed) && how == END_COMMIT {
            return Err(DbError::Refused(Refusal::NoSession));
        }
        match self.client().simple_query(how).await {
            Ok(_) => {
                self.connection = None;
                Ok(())
            }
            Err(error) => {
                tracing::debug!(
                    transaction = self.name,
                    "an end was not confirmed: its connection is closed"
                );
                Err(error.into())
            }
        }
    }
}

impl Drop for Tx {
    /// An end that was not confirmed: the connection leaves the pool and is closed with whatever it had open.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

fn typed<'a>(params: &[&'a dyn Param]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|p| (p.as_sql(), p.sql_type())).collect()
}

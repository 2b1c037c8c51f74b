//! How a transaction ends. A connection goes back to the pool only after its end was confirmed; whatever else becomes of it, it is
//! closed.

use std::{
    pin::pin,
    sync::{PoisonError, atomic::Ordering},
};

use deadpool::managed::Object;
use futures_util::future::{Either, select};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{END_COMMIT, END_ROLLBACK, Tx};
use crate::error::{DbError, Refusal};

impl Tx {
    /// Runs a last statement with the commit in the same round trip.
    pub(super) async fn last(
        mut self,
        sql: &'static str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, DbError> {
        let (answer, ended) = {
            let statement = pin!(self.run(self.client().query_typed(sql, params)));
            match select(statement, pin!(self.client().simple_query(END_COMMIT))).await {
                Either::Left((answer, end)) => (answer, self.heard(self.longest, end).await),
                Either::Right((ended, statement)) => (statement.await, Ok(ended)),
            }
        };
        match (answer, ended.and_then(|ended| Ok(ended?))) {
            (Ok(rows), Ok(_)) => {
                self.connection = None;
                Ok(rows)
            }
            (Err(error), _) => {
                // A confirmed rollback saves the connection.
                if self.simple(END_ROLLBACK).await.is_ok() {
                    self.connection = None;
                }
                Err(error)
            }
            (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Ends it, and confirms that it ended so.
    pub(super) async fn end(mut self, how: &'static str) -> Result<(), DbError> {
        if self.setup.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.connection = None;
            return Ok(());
        }
        if !self.opened.load(Ordering::Relaxed) && how == END_COMMIT {
            return Err(DbError::Refused(Refusal::NoSession));
        }
        match self.simple(how).await {
            Ok(()) => {
                self.connection = None;
                Ok(())
            }
            Err(error) => {
                tracing::debug!(
                    transaction = self.name,
                    "an end was not confirmed: its connection is closed"
                );
                Err(error)
            }
        }
    }

    /// Runs statements of ours that answer nothing.
    pub(super) async fn simple(&self, text: &str) -> Result<(), DbError> {
        Ok(self.heard(self.longest, self.client().batch_execute(text)).await??)
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

//! Statements that go to Postgres in one round trip: sent in order, answered in order. Built by the rules, which rarely need
//! one answer to ask the next question.

use futures_util::future::join_all;

use crate::{
    db::{Param, Row, TenantTx},
    error::DbError,
};

/// A value bound to a statement.
pub(crate) type Bound<'a> = Box<dyn Param + Send + 'a>;

/// Binds values: `bind![a, b]`.
macro_rules! bind {
    ($($value:expr),* $(,)?) => { vec![$(Box::new($value) as $crate::engine::batch::Bound<'_>),*] };
}
pub(crate) use bind;

/// Statements to run together.
#[derive(Default)]
pub(crate) struct Batch<'a>(Vec<(&'static str, Vec<Bound<'a>>)>);

impl<'a> Batch<'a> {
    /// Adds a statement.
    pub(crate) fn add(&mut self, sql: &'static str, values: Vec<Bound<'a>>) {
        self.0.push((sql, values));
    }

    /// How many there are: the index of the next.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Runs them in order and gives the rows of each. Where one fails, the first failure is told and none has any effect.
    ///
    /// `join_all` polls up to thirty futures in order, so the wire keeps it; no batch here comes near.
    pub(crate) async fn run(self, tx: &TenantTx) -> Result<Vec<Vec<Row>>, DbError> {
        debug_assert!(self.0.len() <= 30, "a batch keeps its order up to thirty statements");
        let statements = self.0.iter().map(|(sql, values)| async move {
            let values: Vec<&dyn Param> = values.iter().map(|v| &**v as &dyn Param).collect();
            tx.rows(sql, &values).await
        });
        join_all(statements).await.into_iter().collect()
    }
}

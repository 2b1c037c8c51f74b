//! What can be run inside a transaction: the same for both, but for where it works. Statements come from files; rows are read by
//! what they are read as.

use tokio_postgres::{Row, RowStream};

use super::{END_COMMIT, END_ROLLBACK, SystemTx, TenantTx};
use crate::{
    db::{FromRow, Param, param::typed},
    error::{DbError, Refusal},
};

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

            /// The same as they come: for what is not held in memory at once.
            pub async fn stream(
                &self,
                sql: &'static str,
                params: &[&dyn Param],
            ) -> Result<RowStream, DbError> {
                let typed = typed(params);
                self.0.run(self.0.client().query_typed_raw(sql, typed)).await
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
                self.0.end(END_ROLLBACK).await
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

//! Tests of connections: asked for here, done by the dispatcher.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    db::TenantTx,
    error::DbError,
    model::ids::{ConnectionId, ConnectionTestId, UserId},
    sql,
};

row! {
    /// A test of a connection.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct ConnectionTest {
        /// Its id.
        id: ConnectionTestId,
        /// What is tested.
        connection_id: ConnectionId,
        /// `pending`, `succeeded` or `failed`.
        state: String,
        /// What was found, in a sentence.
        message: Option<String>,
        /// When it was asked for.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When it was done.
        #[schema(value_type = Option<String>, format = DateTime)]
        finished_at: Option<Timestamp>,
    }
}

/// Asks for a test of a connection that is there.
pub async fn insert(
    tx: &TenantTx,
    id: ConnectionTestId,
    of: ConnectionId,
    by: UserId,
) -> Result<ConnectionTest, DbError> {
    tx.one(sql!("connection_tests/insert.sql"), &[&id, &of, &by]).await
}

/// The latest test of a connection, and the commit.
pub async fn latest(tx: TenantTx, of: ConnectionId) -> Result<ConnectionTest, DbError> {
    super::last_one(tx, sql!("connection_tests/latest.sql"), &[&of]).await
}

/// Records what a test came to, once.
pub async fn finish(tx: &TenantTx, id: ConnectionTestId, state: &str, message: &str) -> Result<(), DbError> {
    tx.execute(sql!("connection_tests/finish.sql"), &[&id, &state, &message]).await.map(drop)
}

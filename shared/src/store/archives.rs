//! What a snapshot of a workspace says of itself.

use crate::{db::TenantTx, error::DbError, sql};

row! {
    /// The snapshot that a transaction reads.
    #[derive(Clone, Debug)]
    pub struct Snapshot {
        /// The version of the workspace's schema.
        schema_version: i32,
        /// Its instant, RFC 3339 in UTC.
        at: String,
    }
}

/// The snapshot of this transaction.
pub async fn snapshot(tx: &TenantTx) -> Result<Snapshot, DbError> {
    tx.one(sql!("archives/snapshot.sql"), &[]).await
}

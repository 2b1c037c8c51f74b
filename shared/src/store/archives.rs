//! What a snapshot of a workspace says of itself.

use crate::{db::TenantTx, error::DbError, sql};

row! {
    struct Salt {
        version: i32,
        salt: Vec<u8>,
    }
}

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

/// The salts of the workspace's keys, by version; none once they are destroyed.
pub async fn salts(tx: &TenantTx) -> Result<Vec<(i32, Vec<u8>)>, DbError> {
    let rows: Vec<Salt> = tx.all(sql!("credentials/salts.sql"), &[]).await?;
    Ok(rows.into_iter().map(|row| (row.version, row.salt)).collect())
}

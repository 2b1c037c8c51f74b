//! Takes a workspace's schema and role away. The steward's runner calls this once nothing of it runs any more; one at a time,
//! because each takes some 640 of the server's shared locks.

use super::{Database, SystemRole, SystemTx, placement};
use crate::{error::DbError, model::tenant::SchemaName};

/// Drops both in one transaction; nothing where they are gone. A late statement of the workspace is waited for two seconds.
pub async fn remove(database: &Database, schema: &SchemaName) -> Result<(), DbError> {
    let name = schema.quoted();
    let tx = SystemTx::begin(database, SystemRole::Steward, "remove").await?;
    // The role goes with its memberships; were anything still granted to it, the drop would fail and say so.
    tx.script("set local role signalbox_owner").await?;
    if placement::is_pool(&tx, schema).await? {
        return Err(DbError::Defect("a pool is not dropped with one of its workspaces".into()));
    }
    let script = format!(
        "set local statement_timeout = '120s'; select pg_advisory_xact_lock(3, 1); \
         drop schema if exists {name} cascade; set local role none; drop role if exists {name}"
    );
    tx.script(&script).await?;
    tx.commit().await
}

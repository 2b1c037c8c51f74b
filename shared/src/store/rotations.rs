//! Rotations of workspaces' keys, as the steward works and plans them. Versions are added, retired and destroyed here, never changed.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    db::{Param, SystemTx},
    error::DbError,
    model::ids::{OperationId, TenantId},
    sql,
};

row! {
    /// How a workspace's keys stand before a rotation.
    #[derive(Clone, Copy, Debug)]
    pub struct Before {
        /// The newest version.
        newest: i32,
        /// It is bound to the current root.
        has_current_root: bool,
        /// How many versions there are, those that are only kept for backups among them.
        versions: i64,
        /// Rows are being brought in from elsewhere: by a restore, or a move.
        is_held_up: bool,
    }
}

row! {
    /// What became of the versions beside the newest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Retired {
        /// Destroyed now.
        destroyed: i32,
        /// Left: something is still sealed under them.
        kept: i32,
    }
}

row! {
    struct Added {
        version: Option<i32>,
    }
}

row! {
    struct BehindRoot {
        id: TenantId,
    }
}

/// How a workspace's keys stand; none where they were destroyed.
pub async fn before(tx: &SystemTx, tenant: TenantId) -> Result<Option<Before>, DbError> {
    tx.optional(sql!("rotations/begin.sql"), &[&tenant]).await
}

/// Adds a version to a workspace's keys, once. False: the workspace is being taken away.
pub async fn add_key(tx: &SystemTx, tenant: TenantId, version: i32, salt: &[u8]) -> Result<bool, DbError> {
    let added: Added = tx.one(sql!("rotations/add_key.sql"), &[&tenant, &version, &salt]).await?;
    Ok(added.version.is_some())
}

/// Retires the versions that nothing in use needs, and destroys those that no backup needs either.
pub async fn retire_keys(tx: &SystemTx, tenant: TenantId) -> Result<Retired, DbError> {
    tx.one(sql!("rotations/retire_keys.sql"), &[&tenant]).await
}

/// Workspaces whose keys need another root than the current one and that have no rotation before them.
pub async fn behind(tx: &SystemTx, after: Uuid, limit: i64) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<BehindRoot> = tx.all(sql!("rotations/behind.sql"), &[&after, &limit]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Plans a rotation for each of these, `every_s` seconds from one to the next and the first in `in_s`. Says how many it planned:
/// a workspace that has one before it gets no second.
pub async fn plan(
    tx: &SystemTx,
    rotations: &[(OperationId, TenantId)],
    request: &Value,
    (in_s, every_s): (f64, f64),
) -> Result<u64, DbError> {
    let (ids, tenants): (Vec<OperationId>, Vec<TenantId>) = rotations.iter().copied().unzip();
    let params: [&dyn Param; 5] = [&ids, &tenants, request, &in_s, &every_s];
    tx.execute(sql!("rotations/plan.sql"), &params).await
}

/// Binds the keys of spare workspaces to the current root: nothing is sealed under them yet. Says how many it bound.
pub async fn bind_spares(tx: &SystemTx) -> Result<u64, DbError> {
    tx.execute(sql!("rotations/bind_spares.sql"), &[]).await
}

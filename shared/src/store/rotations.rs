//! Rotations of workspaces' keys, as the steward works and plans them. Versions are added, retired and destroyed here, never changed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::audit;
use crate::{
    db::{Param, SystemTx},
    error::DbError,
    model::ids::{AuditId, OperationId, TenantId},
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
    struct Left {
        retired: i64,
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

/// Retires the versions that nothing in use needs, and destroys those that no backup needs either; where there are any, with a row
/// in the workspace's log.
pub async fn retire_keys(tx: &SystemTx, tenant: TenantId, id: AuditId) -> Result<Retired, DbError> {
    tx.rows(sql!("system/hold_place_of.sql"), &[&tenant]).await?;
    tx.rows(sql!("due/alone.sql"), &[&tenant]).await?;
    let before: Left = tx.one(sql!("rotations/retired.sql"), &[&tenant]).await?;
    let came_to: Retired = tx.one(sql!("rotations/retire_keys.sql"), &[&tenant]).await?;
    let after: Left = tx.one(sql!("rotations/retired.sql"), &[&tenant]).await?;
    let retired = after.retired + i64::from(came_to.destroyed) - before.retired;
    if retired > 0 || came_to.destroyed > 0 {
        let detail = json!({ "retired": retired, "destroyed": came_to.destroyed });
        audit::insert_platform(tx, tenant, id, "keys.retire", &detail).await?;
    }
    Ok(came_to)
}

/// Workspaces whose keys need another root than the current one and that have no rotation before them.
pub async fn behind(tx: &SystemTx, after: Uuid, limit: i64) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<BehindRoot> = tx.all(sql!("rotations/behind.sql"), &[&after, &limit]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Plans a rotation for each of these, `every_s` seconds from one to the next and the first in `in_s`, with a row in its workspace's
/// log. Says how many it planned: a workspace that has one before it gets no second.
pub async fn plan(
    tx: &SystemTx,
    rotations: &[(OperationId, TenantId, AuditId)],
    request: &Value,
    (in_s, every_s): (f64, f64),
) -> Result<usize, DbError> {
    let ids: Vec<OperationId> = rotations.iter().map(|(id, ..)| *id).collect();
    let tenants: Vec<TenantId> = rotations.iter().map(|(_, tenant, _)| *tenant).collect();
    let audit: Vec<AuditId> = rotations.iter().map(|(.., audit)| *audit).collect();
    let params: [&dyn Param; 6] = [&ids, &tenants, &audit, request, &in_s, &every_s];
    Ok(tx.rows(sql!("rotations/plan.sql"), &params).await?.len())
}

/// Binds the keys of spare workspaces to the current root: nothing is sealed under them yet. Says how many it bound.
pub async fn bind_spares(tx: &SystemTx) -> Result<u64, DbError> {
    tx.execute(sql!("rotations/bind_spares.sql"), &[]).await
}

//! Onboarding and spare workspaces, as the steward sees them.

use serde_json::json;
use uuid::Uuid;

use super::audit;
use crate::{
    db::{Param, SystemTx},
    error::{DbError, Refusal},
    model::{
        ids::{AuditId, OperationId, TenantId},
        tenant::{DatabaseName, Placement},
    },
    sql,
};

/// A directory as it is put on the allow-list.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Entra's `tid`.
    pub directory: Uuid,
    /// What the customer is called.
    pub name: &'a str,
    /// Who may make the workspace.
    pub first_administrator: Option<Uuid>,
    /// Where it is made.
    pub placement: Option<Placement>,
    /// The database in which it is, if that is another than this.
    pub elsewhere: Option<&'a DatabaseName>,
}

/// Puts a directory on the allow-list, or corrects its name. First Administrator and placement are fixed once the workspace
/// exists. Refuses with `WorkspaceState` where it has a workspace, or will have one, in another database than is said; and where
/// that database is another directory's.
pub async fn onboard(tx: &SystemTx, listing: &Listing<'_>) -> Result<(), DbError> {
    let Listing { directory, name, first_administrator, placement, elsewhere } = listing;
    let placement = placement.map(|placement| placement.as_str().to_owned());
    let elsewhere = elsewhere.map(ToString::to_string);
    let params: [&dyn Param; 5] = [directory, name, first_administrator, &placement, &elsewhere];
    match tx.execute(sql!("system/onboard.sql"), &params).await {
        Ok(1) => Ok(()),
        Ok(_) | Err(DbError::Taken { .. }) => Err(DbError::Refused(Refusal::WorkspaceState)),
        Err(error) => Err(error),
    }
}

/// Says that a workspace is in another database: asked of the first one, before it is there.
pub async fn place_elsewhere(tx: SystemTx, tenant: TenantId, database: &DatabaseName) -> Result<(), DbError> {
    tx.execute(sql!("system/insert_home.sql"), &[&tenant, &database.as_str()]).await?;
    tx.commit().await
}

/// Takes that back, for one that was not made there after all.
pub async fn displace(tx: SystemTx, tenant: TenantId, database: &DatabaseName) -> Result<(), DbError> {
    tx.last(sql!("system/forget_home.sql"), &[&tenant, &database.as_str()]).await.map(drop)
}

/// Its workspace in another database is deleted: it is listed here as one without a workspace, by its id alone, and the database is
/// free. Asked of the first one; may run again.
pub async fn forget_elsewhere(tx: SystemTx, directory: Uuid, database: &DatabaseName) -> Result<(), DbError> {
    tx.last(sql!("system/forget_elsewhere.sql"), &[&directory, &database.as_str()]).await.map(drop)
}

/// The spare workspaces of a placement that are left.
pub async fn spares(tx: &SystemTx, placement: Placement) -> Result<Spares, DbError> {
    tx.one(sql!("system/count_spares.sql"), &[&placement.as_str()]).await
}

/// Ends a suspension's draining, with its row in the workspace's log; nothing where it has ended.
pub async fn suspend(
    tx: &SystemTx,
    tenant: TenantId,
    operation: OperationId,
    id: AuditId,
) -> Result<(), DbError> {
    tx.rows(sql!("system/hold_place_of.sql"), &[&tenant]).await?;
    if tx.execute(sql!("system/suspend_end.sql"), &[&tenant]).await? == 1 {
        let detail = json!({ "operation_id": operation });
        audit::insert_platform(tx, tenant, id, "workspace.suspended", &detail).await?;
    }
    Ok(())
}

/// Forgets sessions that ended a day ago; a thousand at most. Returns how many.
pub async fn purge_sessions(tx: &SystemTx) -> Result<u64, DbError> {
    tx.execute(sql!("system/purge_sessions.sql"), &[]).await
}

row! {
    /// Spare workspaces.
    pub struct Spares {
        /// How many are left.
        spares: i64,
        /// Whether there are pools at all: where nobody uses them, none is made.
        has_pools: bool,
    }
}

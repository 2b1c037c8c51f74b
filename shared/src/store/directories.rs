//! Onboarding and spare workspaces, as the steward sees them.

use uuid::Uuid;

use crate::{
    db::SystemTx,
    error::DbError,
    model::{ids::TenantId, tenant::Placement},
    sql,
};

/// Puts a directory on the allow-list, or corrects its name. First Administrator and placement are fixed once the workspace
/// exists.
pub async fn onboard(
    tx: &SystemTx,
    directory: Uuid,
    name: &str,
    first_administrator: Option<Uuid>,
    placement: Option<Placement>,
) -> Result<(), DbError> {
    let placement = placement.map(|placement| placement.as_str().to_owned());
    tx.execute(sql!("system/onboard.sql"), &[&directory, &name, &first_administrator, &placement])
        .await
        .map(drop)
}

/// The spare workspaces of a placement that are left.
pub async fn spares(tx: &SystemTx, placement: Placement) -> Result<Spares, DbError> {
    tx.one(sql!("system/count_spares.sql"), &[&placement.as_str()]).await
}

/// Ends a suspension's draining; nothing where it has ended.
pub async fn suspend(tx: &SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.execute(sql!("system/suspend_end.sql"), &[&tenant]).await.map(drop)
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

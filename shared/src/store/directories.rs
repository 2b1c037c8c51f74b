//! Onboarding and spare workspaces, as the steward sees them.

use uuid::Uuid;

use crate::{
    db::{FromRow, Row, SystemTx},
    error::DbError,
    model::ids::TenantId,
    sql,
};

/// Puts a directory on the allow-list, or corrects its name. The first Administrator is fixed once the workspace exists.
pub async fn onboard(
    tx: &SystemTx,
    directory: Uuid,
    name: &str,
    first_administrator: Option<Uuid>,
) -> Result<(), DbError> {
    tx.execute(sql!("system/onboard.sql"), &[&directory, &name, &first_administrator]).await.map(drop)
}

/// How many spare workspaces are left.
pub async fn spares(tx: &SystemTx) -> Result<i64, DbError> {
    tx.one::<Spares>(sql!("system/count_spares.sql"), &[]).await.map(|s| s.0)
}

/// Ends a suspension's draining; nothing where it has ended.
pub async fn suspend(tx: &SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.execute(sql!("system/suspend_end.sql"), &[&tenant]).await.map(drop)
}

/// Forgets sessions that ended a day ago; a thousand at most. Returns how many.
pub async fn purge_sessions(tx: &SystemTx) -> Result<u64, DbError> {
    tx.execute(sql!("system/purge_sessions.sql"), &[]).await
}

struct Spares(i64);

impl FromRow for Spares {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("spares")?))
    }
}

//! How often a workspace is backed up by itself: set and seen in its scope, planned by the steward.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    db::{Row, SystemTx, TenantTx},
    error::DbError,
    model::ids::{AuditId, OperationId, TenantId, UserId},
    sql,
};

/// How many are kept where nobody said.
const KEEP: i32 = 7;

row! {
    /// A workspace's schedule of backups.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = BackupSchedule)]
    pub struct Schedule {
        /// Hours from one backup to the next, 1 to 168; null: none is made by itself.
        #[schema(required = true)]
        every_hours: Option<i32>,
        /// How many of the backups that were made by the schedule are kept, 1 to 30.
        keep: i32,
        /// Counts its changes.
        version: i32,
        /// When the last one was begun.
        #[schema(value_type = Option<String>, format = DateTime)]
        last_at: Option<Timestamp>,
        /// When the next one is due.
        #[schema(value_type = Option<String>, format = DateTime)]
        next_at: Option<Timestamp>,
    }
}

/// The schedule of the workspace.
pub async fn get(tx: &TenantTx) -> Result<Schedule, DbError> {
    read(tx, false).await
}

/// The same, held until the transaction ends.
pub async fn hold(tx: &TenantTx) -> Result<Schedule, DbError> {
    read(tx, true).await
}

async fn read(tx: &TenantTx, is_held: bool) -> Result<Schedule, DbError> {
    let found = tx.optional(sql!("backup_schedules/get.sql"), &[&is_held]).await?;
    let none = Schedule { every_hours: None, keep: KEEP, version: 0, last_at: None, next_at: None };
    Ok(found.unwrap_or(none))
}

/// Sets it.
pub async fn set(
    tx: &TenantTx,
    every_hours: Option<i32>,
    keep: i32,
    by: UserId,
) -> Result<Schedule, DbError> {
    tx.rows(sql!("backup_schedules/set.sql"), &[&every_hours, &keep, &by]).await?;
    get(tx).await
}

/// Workspaces whose next backup is due.
pub async fn due(tx: SystemTx) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<Row> = tx.last(sql!("system/due_backups.sql"), &[]).await?;
    rows.iter().map(|row| Ok(row.try_get("tenant_id")?)).collect()
}

/// Plans the backup of a workspace, with its row in the workspace's log, if it still is due.
pub async fn plan(tx: SystemTx, tenant: TenantId, id: OperationId, audit: AuditId) -> Result<(), DbError> {
    tx.rows(sql!("system/hold_place_of.sql"), &[&tenant]).await?;
    if tx.execute(sql!("system/plan_backup.sql"), &[&id, &tenant]).await? == 1 {
        let detail = serde_json::json!({ "scheduled": true, "operation_id": id });
        tx.rows(sql!("system/audit_platform.sql"), &[&tenant, &audit, &"backup.create", &detail]).await?;
    }
    tx.commit().await
}

/// Has the oldest scheduled backups of a workspace ended, so that so many stay as its schedule says; `newest` is one of them.
pub async fn end_oldest(tx: &SystemTx, tenant: TenantId, newest: OperationId) -> Result<(), DbError> {
    tx.execute(sql!("system/end_backups.sql"), &[&tenant, &newest]).await.map(drop)
}

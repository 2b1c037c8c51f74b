//! What deletion takes away, in order, and the counts that its certificate tells. The steward's runner is the only caller.
//! Nothing here is used by the sweep for leftovers, which would then miss what this misses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    db::SystemTx,
    error::DbError,
    model::ids::{AuditId, OperationId, TenantId, UserId},
    sql,
};

/// Tables of schema `system` with rows of workspaces, deleted in this order: who refers goes before whom it refers to. A test
/// compares the three lists with the catalog: whoever adds a table with a `tenant_id` adds its name to one of them.
pub const PURGED: &[&str] = &[
    "outbox",
    "due",
    "past_places",
    "backup_schedules",
    "rollout_failures",
    "owed_backfills",
    "isolation_evidence",
    "canaries",
    "operator_grants",
    "limits",
    "rate_buckets",
    "usage",
    "tenant_metrics",
    "api_tokens",
    "invitations",
    "sessions",
    "memberships",
    "roles",
];

/// Those that are dealt with by a step or a statement of their own: keys, the directory, the operation at work, the tombstone.
pub const BY_THEIR_STEP: &[&str] = &[KEYS, "directories", "operations", "tombstones"];

/// What outlives a workspace: the platform operators' own log, which names it by its id and holds nothing of its content (who
/// looked into what, why and for how long has to be answered after a deletion too; the workspace's own log goes with it), and in
/// which database it was, for whoever asks for its certificate.
pub const KEPT: &[&str] = &["operator_audit", "homes"];

/// The salts of the keys.
pub const KEYS: &str = "tenant_keys";

/// What is there of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Its schema.
    pub schemas: i64,
    /// Its role.
    pub roles: i64,
    /// Rows by table of its schema.
    pub rows: BTreeMap<String, i64>,
    /// Rows by table of schema `system`; `tenant_keys` are its keys.
    pub system_rows: BTreeMap<String, i64>,
    /// Objects of its exports and backups.
    pub objects: i64,
    /// Its sandboxes: there are none when it goes.
    #[serde(default)]
    pub sandboxes: i64,
}

impl Counts {
    /// How many things there are. The directory's row and the operation's go with the tombstone.
    #[must_use]
    pub fn left(&self) -> i64 {
        let rows: i64 = self.rows.values().chain(self.system_rows.values()).sum();
        self.schemas + self.roles + rows + self.objects + self.sandboxes
    }
}

row! {
    /// A workspace that is being deleted, and who asked for it.
    #[derive(Clone, Debug)]
    pub struct About {
        /// Its name, of which a hash is kept.
        name: String,
        /// Its directory.
        directory_id: Option<Uuid>,
        /// Schemas of its name.
        schemas: i64,
        /// Roles of its name.
        roles: i64,
        /// Who asked.
        requested_by: Option<UserId>,
        /// When.
        requested_at: Option<Timestamp>,
        /// Until when it could be taken back.
        grace_until: Option<Timestamp>,
        /// Database time.
        now: Timestamp,
    }
}

row! {
    struct Counted {
        name: String,
        total: i64,
    }
}

row! {
    struct Total {
        total: i64,
    }
}

row! {
    struct Kept {
        certificate: Value,
    }
}

/// Shuts everybody out, once what holds the workspace has ended. That it did stands in the log that outlives the workspace.
pub async fn fence(tx: &SystemTx, tenant: TenantId, audit: AuditId) -> Result<(), DbError> {
    tx.rows(sql!("due/alone.sql"), &[&tenant]).await?;
    tx.execute(sql!("system/deletion_audit.sql"), &[&audit, &tenant]).await?;
    tx.rows(sql!("system/deletion_fence.sql"), &[&tenant]).await.map(drop)
}

/// The workspace and its deletion.
pub async fn about(tx: &SystemTx, tenant: TenantId, operation: OperationId) -> Result<About, DbError> {
    tx.one(sql!("system/deletion_about.sql"), &[&tenant, &operation]).await
}

/// Counts what the database has of a workspace; of `system`, the tables that are to be empty before the tombstone.
pub async fn count(tx: &SystemTx, tenant: TenantId, about: &About) -> Result<Counts, DbError> {
    let rows = tx.all::<Counted>(sql!("system/deletion_count_content.sql"), &[&tenant]).await?;
    let tables: Vec<&str> = PURGED.iter().copied().chain([KEYS]).collect();
    let system_rows = tx.all::<Counted>(sql!("system/deletion_count_rows.sql"), &[&tenant, &tables]).await?;
    let by_name = |counted: Vec<Counted>| counted.into_iter().map(|c| (c.name, c.total)).collect();
    Ok(Counts {
        schemas: about.schemas,
        roles: about.roles,
        rows: by_name(rows),
        system_rows: by_name(system_rows),
        objects: 0,
        sandboxes: sandboxes(tx, tenant).await?,
    })
}

/// How many sandboxes it has that are not gone.
pub async fn sandboxes(tx: &SystemTx, tenant: TenantId) -> Result<i64, DbError> {
    tx.one::<Total>(sql!("system/count_sandboxes.sql"), &[&tenant]).await.map(|counted| counted.total)
}

/// Deletes its rows from tables of schema `system`, and with its memberships the people who belong to no other workspace.
pub async fn purge_rows(tx: SystemTx, tenant: TenantId, tables: &[&'static str]) -> Result<(), DbError> {
    tx.last(sql!("system/deletion_purge_rows.sql"), &[&tenant, &tables]).await.map(drop)
}

/// Takes its rows out of the pool it lives in, which no route of its leads to from then on, and out of every other.
pub async fn leave_pools(tx: SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.take_time().await?;
    tx.last(sql!("system/leave_pools.sql"), &[&tenant]).await.map(drop)
}

/// Has the sweep send its messages at once.
pub async fn hasten(tx: SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.last(sql!("system/deletion_hasten.sql"), &[&tenant]).await.map(drop)
}

/// Puts the tombstone, and takes away the name and every operation.
pub async fn bury(
    tx: SystemTx,
    tenant: TenantId,
    directory: Option<Uuid>,
    certificate: &Value,
) -> Result<(), DbError> {
    tx.last(sql!("system/deletion_bury.sql"), &[&tenant, &directory, certificate]).await.map(drop)
}

/// The certificate of a workspace that is gone.
pub async fn certificate(tx: SystemTx, tenant: TenantId) -> Result<Option<Value>, DbError> {
    let rows = tx.last(sql!("system/deletion_certificate.sql"), &[&tenant]).await?;
    rows.first()
        .map(|row| <Kept as crate::db::FromRow>::from_row(row).map(|kept| kept.certificate))
        .transpose()
}

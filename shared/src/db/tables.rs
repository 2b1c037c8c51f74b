//! The tables of a workspace by name, with their columns, as each version of its schema has them: what an export writes and a
//! restore loads. A test compares the list with the catalog, so that no new table is forgotten. Only names that stand here
//! ever become part of a statement.

use std::pin::Pin;

use futures_util::StreamExt;
use tokio_postgres::RowStream;

use super::{Row, TenantTx};
use crate::error::DbError;

/// One table of a workspace.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The version of the schema that brought it.
    pub since: i32,
    /// Its key without the tenant: rows are read in this order.
    key: &'static [&'static str],
    /// Its columns at `since`, but for the tenant's and those of `left_out`.
    columns: &'static [&'static str],
    /// Columns that came later, and with which version.
    later: &'static [(i32, &'static str)],
    /// Sealed columns: backed up as they are, never exported.
    secret: &'static [&'static str],
    /// What only the owner may write: whose transaction made a row, and the seals over it.
    pub is_log: bool,
    /// What a restore begins without, and so is not backed up.
    pub is_passing: bool,
}

/// What rows are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// For people: no secret, sealed or not.
    Export,
    /// To be loaded again.
    Backup,
}

const TABLE: Table = Table {
    name: "",
    since: 1,
    key: &["id"],
    columns: &[],
    later: &[],
    secret: &[],
    is_log: false,
    is_passing: false,
};

/// Whose transaction wrote a row of a log, and in which epoch of its chain: seals cover them, so they are kept since there are
/// seals. A row's own insertion fills them.
pub(super) const STAMPS: &[(i32, &str)] = &[(4, "tx"), (4, "epoch")];

/// Every table, in an order in which rows may be inserted: what is referred to comes first.
#[rustfmt::skip]
pub const TABLES: &[Table] = &[
    Table { name: "vaults",
            columns: &["id", "name", "kind", "settings", "version", "created_at", "updated_at", "updated_by"], ..TABLE },
    Table { name: "credentials", key: &["vault_id", "name"], secret: &["sealed"],
            columns: &["vault_id", "name", "key_version", "sealed", "updated_at", "updated_by"], ..TABLE },
    Table { name: "concurrency_profiles",
            columns: &["id", "name", "capacity", "version", "created_at", "updated_at", "updated_by"], ..TABLE },
    Table { name: "connections",
            columns: &["id", "name", "kind", "settings", "vault_id", "credential_name", "concurrency_profile_id", "state",
                       "version", "created_at", "updated_at", "updated_by"], ..TABLE },
    Table { name: "slots", key: &["key"], columns: &["key", "capacity", "in_use", "paused_until"], ..TABLE },
    Table { name: "connection_tests",
            columns: &["id", "connection_id", "state", "message", "created_at", "created_by", "finished_at"], ..TABLE },
    Table { name: "jobs",
            columns: &["id", "name", "version", "created_at", "updated_at", "updated_by", "deleted_at"], ..TABLE },
    Table { name: "job_versions", key: &["job_id", "version"],
            columns: &["job_id", "version", "definition", "max_active_runs", "created_at", "created_by"], ..TABLE },
    Table { name: "job_tasks", key: &["job_id", "version", "position"],
            columns: &["job_id", "version", "position", "name", "connection_id", "priority", "weight", "is_root"], ..TABLE },
    Table { name: "schedules",
            columns: &["id", "name", "job_id", "cron", "time_zone", "gap", "fold", "parameters", "state", "next_fire_at",
                       "version", "created_at", "updated_at", "updated_by"], ..TABLE },
    Table { name: "runs", since: 2,
            columns: &["id", "job_id", "job_version", "trigger", "schedule_id", "logical_date", "data_interval_start",
                       "data_interval_end", "run_after", "state", "reason", "parameters", "cancel_requested_at", "created_at",
                       "created_by", "started_at", "finished_at"], ..TABLE },
    Table { name: "task_runs", since: 2,
            columns: &["id", "run_id", "position", "name", "connection_id", "priority", "weight", "state", "reason",
                       "attempts", "ready_at", "start_by", "close_by", "cancel_requested_at", "message", "outputs",
                       "started_at", "finished_at"], ..TABLE },
    Table { name: "attempts", since: 2,
            columns: &["id", "task_run_id", "run_id", "number", "state", "reason", "epoch", "connection_id", "weight",
                       "lease_until", "deadline_at", "idempotency", "request_digest", "handle", "external_id", "external_url",
                       "platform_state", "warning", "cancel_sent_at", "error_class", "error_message", "created_at",
                       "started_at", "finished_at"], ..TABLE },
    Table { name: "orphans", since: 2,
            columns: &["id", "connection_id", "attempt_id", "external_id", "state", "found_at", "finished_at"], ..TABLE },
    Table { name: "events", since: 2, is_log: true, later: STAMPS,
            columns: &["id", "run_id", "task_run_id", "attempt_id", "from_state", "to_state", "reason", "actor_kind",
                       "actor_id", "at", "detail"], ..TABLE },
    Table { name: "audit", since: 2, is_log: true, later: STAMPS,
            columns: &["id", "at", "actor_kind", "actor_id", "actor_name", "action", "target_kind", "target_id",
                       "before_digest", "after_digest", "request_id", "source_address", "detail"], ..TABLE },
    Table { name: "seals", since: 4, is_log: true, key: &["number"],
            columns: &["number", "epoch", "format", "audit_rows", "event_rows", "first_tx", "first_id", "last_tx", "last_id",
                       "root", "previous", "hash", "sealed_at"], ..TABLE },
    Table { name: "idempotency_keys", since: 2, key: &["user_id", "key"], is_passing: true,
            columns: &["user_id", "key", "operation", "body_hash", "status", "headers", "answer", "created_at"], ..TABLE },
];

impl Table {
    /// The tables of a version that are read for something.
    pub fn all(version: i32, reading: Reading) -> impl Iterator<Item = &'static Self> {
        let wanted = move |table: &&Self| reading == Reading::Export || !table.is_passing;
        TABLES.iter().filter(move |table| table.since <= version).filter(wanted)
    }

    /// The columns that a version has and that are read for something.
    pub fn columns(&self, version: i32, reading: Reading) -> Vec<&'static str> {
        let later = self.later.iter().filter(|(since, _)| *since <= version).map(|(_, name)| *name);
        let shown = |name: &&str| reading == Reading::Backup || !self.secret.contains(name);
        self.columns.iter().copied().chain(later).filter(shown).collect()
    }

    /// Its rows in the order of its key, each one line of JSON, read as they are asked for.
    pub async fn read(&self, tx: &TenantTx, version: i32, reading: Reading) -> Result<Lines, DbError> {
        let (columns, key) = (self.columns(version, reading).join(", "), self.key.join(", "));
        let Self { name, .. } = self;
        let statement = format!(
            "select row_to_json(r)::text as line from (select {columns} from {name} order by {key}) r"
        );
        Ok(Lines(Box::pin(tx.streamed(&statement).await?)))
    }

    /// Inserts rows: a JSON array of what [`Self::read`] gave for a backup. Columns are filled from our list alone; the
    /// workspace is that of the scope.
    pub async fn load(&self, tx: &TenantTx, version: i32, rows: &str) -> Result<u64, DbError> {
        let columns = self.columns(version, Reading::Backup).join(", ");
        let Self { name, .. } = self;
        let statement = format!(
            "insert into {name} ({columns}) select {columns} from jsonb_populate_recordset(null::{name}, $1::text::jsonb)"
        );
        tx.loaded(&statement, rows).await
    }
}

/// Lines of JSON as the server sends them: never more than a few are held.
pub struct Lines(Pin<Box<RowStream>>);

impl Lines {
    /// The next line; none at the end.
    pub async fn next(&mut self) -> Result<Option<String>, DbError> {
        let row: Option<Row> = self.0.next().await.transpose()?;
        row.map(|row| Ok(row.try_get("line")?)).transpose()
    }
}

impl TenantTx {
    /// What schema `system` holds for this workspace, as (part, line); the steward's snapshot only.
    pub async fn system_lines(&self) -> Result<SystemLines, DbError> {
        let statement = crate::sql!("archives/exported.sql");
        Ok(SystemLines(Box::pin(self.streamed(statement).await?)))
    }
}

/// Lines of schema `system`, each with the name of its part.
pub struct SystemLines(Pin<Box<RowStream>>);

impl SystemLines {
    /// The next part and line; none at the end.
    pub async fn next(&mut self) -> Result<Option<(String, String)>, DbError> {
        let row = self.0.next().await.transpose()?;
        row.map(|row| Ok((row.try_get("part")?, row.try_get("line")?))).transpose()
    }
}

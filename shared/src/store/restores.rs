//! What a restore changes beside the rows it loads: in the loaded schema as its tenant, and in schema `system`.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::{Param, SystemTx, TenantTx, restore::Fresh},
    error::DbError,
    model::ids::{EventId, Id, OperationId, TenantId, UserId},
    sql,
    store::deletion::PURGED,
};

/// What a task is told that was under way when the backup was made.
const HELD: &str =
    "Restored from a backup in which it was under way. Nothing was started again: cancel it, or run it anew.";

row! {
    struct OpenTask {
        id: Uuid,
        run_id: Uuid,
        state: String,
        attempt_id: Option<Uuid>,
    }
}

row! {
    struct IsKept {
        yes: bool,
    }
}

row! {
    struct OpenRun {
        id: Uuid,
        state: String,
    }
}

/// A backup that a restore has taken by itself.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id.
    pub id: OperationId,
    /// The workspace.
    pub tenant: TenantId,
    /// Why it was taken.
    pub request: Value,
    /// What it came to.
    pub result: Value,
}

/// How open work goes on in a schema that was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenWork {
    /// It is shown as in doubt, or held, until somebody decides.
    Held,
    /// It ends: it is another workspace's.
    Ended,
}

/// Schedules come back paused. What was under way starts nothing: see [`OpenWork`]. May run again.
pub async fn settle(tx: &TenantTx, clock: &Clock, how: OpenWork) -> Result<(), DbError> {
    tx.execute(sql!("restores/pause_schedules.sql"), &[]).await?;
    let tasks: Vec<OpenTask> = tx.all(sql!("restores/open_tasks.sql"), &[&(how == OpenWork::Ended)]).await?;
    let mut events = Events::default();
    for task in &tasks {
        let (to, reason) = match (how, task.state.as_str()) {
            (OpenWork::Ended, _) => ("cancelled", None),
            (OpenWork::Held, "active") => ("active", Some("start_unknown")),
            (OpenWork::Held, _) => ("pending", Some("held")),
        };
        events.add(clock, (task.run_id, Some(task.id), task.attempt_id), (&task.state, to, reason));
    }
    if how == OpenWork::Ended {
        let runs: Vec<OpenRun> = tx.all(sql!("restores/open_runs.sql"), &[]).await?;
        runs.iter().for_each(|run| events.add(clock, (run.id, None, None), (&run.state, "cancelled", None)));
        tx.execute(sql!("restores/pause_connections.sql"), &[]).await?;
        tx.execute(sql!("restores/forget_credentials.sql"), &[]).await?;
        tx.execute(sql!("restores/lose_attempts.sql"), &[&HELD]).await?;
        tx.execute(sql!("restores/cancel_tasks.sql"), &[&HELD]).await?;
        tx.execute(sql!("restores/cancel_runs.sql"), &[]).await?;
        tx.execute(sql!("restores/free_slots.sql"), &[]).await?;
        tx.execute(sql!("restores/forget_orphans.sql"), &[]).await?;
    } else {
        tx.execute(sql!("restores/doubt_attempts.sql"), &[&HELD]).await?;
        tx.execute(sql!("restores/hold_tasks.sql"), &[&HELD]).await?;
        tx.execute(sql!("restores/hold_runs.sql"), &[]).await?;
    }
    events.insert(tx).await
}

/// From, to, and the reason there.
type Move<'a> = (&'a str, &'a str, Option<&'a str>);

#[derive(Default)]
struct Events {
    ids: Vec<EventId>,
    runs: Vec<Uuid>,
    tasks: Vec<Option<Uuid>>,
    attempts: Vec<Option<Uuid>>,
    from: Vec<String>,
    to: Vec<String>,
    reasons: Vec<Option<String>>,
}

impl Events {
    fn add(&mut self, clock: &Clock, of: (Uuid, Option<Uuid>, Option<Uuid>), (from, to, reason): Move<'_>) {
        let (run, task, attempt) = of;
        self.ids.push(clock.new_id());
        self.runs.push(run);
        self.tasks.push(task);
        self.attempts.push(attempt);
        self.from.push(from.to_owned());
        self.to.push(to.to_owned());
        self.reasons.push(reason.map(str::to_owned));
    }

    async fn insert(self, tx: &TenantTx) -> Result<(), DbError> {
        let Self { ids, runs, tasks, attempts, from, to, reasons } = self;
        let params: [&dyn Param; 7] = [&ids, &runs, &tasks, &attempts, &from, &to, &reasons];
        tx.execute(sql!("restores/insert_events.sql"), &params).await.map(drop)
    }
}

/// Notes a backup that a restore has taken by itself among the workspace's backups. Once: the same id again changes nothing.
pub async fn keep_backup(tx: &SystemTx, kept: &Kept, by: Option<UserId>) -> Result<(), DbError> {
    let by = by.map(Id::uuid);
    let params: [&dyn Param; 5] = [&kept.id, &kept.tenant, &kept.request, &kept.result, &by];
    tx.execute(sql!("system/restore_keep_backup.sql"), &params).await.map(drop)
}

/// Whether that backup was noted.
pub async fn is_kept(tx: &SystemTx, id: OperationId) -> Result<bool, DbError> {
    let kept: IsKept = tx.one(sql!("system/restore_is_kept.sql"), &[&id]).await?;
    Ok(kept.yes)
}

/// Makes the row and the first key of a sandbox of a workspace, which is still being filled. May run again.
pub async fn begin_sandbox(
    tx: &SystemTx,
    (sandbox, of): (TenantId, TenantId),
    fresh: &Fresh,
    salt: &[u8],
) -> Result<(), DbError> {
    let (schema, cell) = (fresh.schema.as_str(), fresh.cell.as_str());
    let params: [&dyn Param; 5] = [&sandbox, &schema, &fresh.version, &cell, &of];
    tx.execute(sql!("system/restore_insert_tenant.sql"), &params).await?;
    tx.execute(sql!("system/restore_insert_key.sql"), &[&sandbox, &salt]).await.map(drop)
}

/// Opens it, for whoever administers its workspace at that moment, with every backfill owed. Changes of the workspace's people wait
/// until then, and follow into it from then on. May run again; says whether it is open only now.
pub async fn open_sandbox(
    tx: &SystemTx,
    (sandbox, of): (TenantId, TenantId),
    version: i32,
) -> Result<bool, DbError> {
    tx.rows(sql!("system/hold_people.sql"), &[&of]).await?;
    let opened = tx.execute(sql!("system/restore_open_sandbox.sql"), &[&sandbox, &of, &version]).await?;
    tx.rows(sql!("backfills/owe_all.sql"), &[&sandbox]).await?;
    tx.execute(sql!("system/restore_insert_members.sql"), &[&sandbox]).await?;
    Ok(opened == 1)
}

/// Forgets a workspace that was never opened, with what its filling has brought about. Nothing where it was.
pub async fn forget_sandbox(tx: &SystemTx, sandbox: TenantId) -> Result<(), DbError> {
    if tx.rows(sql!("system/restore_hold_unopened.sql"), &[&sandbox]).await?.is_empty() {
        return Ok(());
    }
    tx.rows(sql!("system/deletion_purge_rows.sql"), &[&sandbox, &PURGED]).await?;
    tx.execute(sql!("system/restore_forget_key.sql"), &[&sandbox]).await?;
    tx.execute(sql!("system/restore_forget_tenant.sql"), &[&sandbox]).await.map(drop)
}

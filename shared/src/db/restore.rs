//! The schemas of restores: made beside the one that is in use, filled through the tenant's own scope, then swapped in. The
//! steward's restore is the only caller, and makes sure that it still is the one that restores. Every step may run again.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Database, FromRow, Row, SystemRole, SystemTx, migrate, placement,
    tables::{Reading, STAMPS, TABLES},
};
use crate::{
    error::{DbError, Refusal},
    model::{
        ids::{AuditId, RunId, TenantId},
        tenant::{Route, SchemaName},
    },
    sql,
};

/// A schema of a workspace's own, as a restore makes it.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Its name, which is also its role's.
    pub schema: SchemaName,
    /// The cell that holds the role.
    pub cell: String,
    /// Its version.
    pub version: i32,
}

/// An external run that nothing would know any more after the swap.
#[derive(Clone, Debug)]
pub struct Unowned {
    /// Whose it is; none where it is an orphan, which is being stopped already.
    pub run: Option<RunId>,
    /// Its id on its platform.
    pub external_id: String,
    /// Database time.
    pub at: Timestamp,
}

/// Makes a schema and its role, without a route to it; what an earlier try left of them is dropped first.
pub async fn prepare(database: &Database, fresh: &Fresh) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Owner, "discard schema").await?;
    placement::drop_schema(tx, &fresh.schema).await?;
    let tx = SystemTx::begin(database, SystemRole::Steward, "prepare schema").await?;
    placement::build(&tx, &fresh.schema, &fresh.cell, fresh.version).await?;
    tx.commit().await
}

/// What runs outside on connections that the new place does not have. Those runs have to end before the swap.
pub async fn unowned(tx: &SystemTx, old: &Route, new: &SchemaName) -> Result<Vec<Unowned>, DbError> {
    tx.all(sql!("system/unowned_runs.sql"), &[&old.tenant, &old.schema.as_str(), &new.as_str()]).await
}

/// Leads the workspace to a schema of its own, where it is still suspended and where it was, once nobody is inside; whoever names
/// the old place is led on from there. What was due or owed is forgotten. External runs that only the old place knows are taken
/// over: their ids where the new one has the same try, otherwise as orphans, to be cancelled. Every backfill is
/// owed anew. The workspace's log says so, in the schema that it is led to. False, and nothing has changed: some would be nobody's.
///
/// The transaction is the owner's, as in all that follows, and holds whatever makes the caller the only one.
pub async fn swap(
    tx: SystemTx,
    old: &Route,
    new: &Fresh,
    (audit, detail): (AuditId, &Value),
) -> Result<bool, DbError> {
    let tenant = old.tenant;
    scope(&tx, tenant).await?;
    tx.rows(sql!("system/move_hold.sql"), &[&tenant]).await?;
    tx.script(&format!("select pg_advisory_xact_lock(1, hashtext('{tenant}'))")).await?;
    let (from, to, cell) = (old.schema.as_str(), new.schema.as_str(), new.cell.as_str());
    tx.execute(sql!("system/note_move.sql"), &[&tenant, &from]).await?;
    let moved =
        tx.execute(sql!("system/restore_swap.sql"), &[&tenant, &from, &to, &cell, &new.version]).await?;
    if moved == 0 {
        let is_done: Option<Swapped> =
            tx.optional(sql!("system/restore_is_swapped.sql"), &[&tenant, &to]).await?;
        tx.rollback().await?;
        let is_done = is_done.is_some_and(|swapped| swapped.yes);
        return if is_done { Ok(true) } else { Err(DbError::Refused(Refusal::WorkspaceState)) };
    }
    if !unowned(&tx, old, &new.schema).await?.is_empty() {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.rows(sql!("backfills/owe_all.sql"), &[&tenant]).await?;
    for forget in [sql!("system/restore_clear_due.sql"), sql!("system/restore_clear_outbox.sql")] {
        tx.execute(forget, &[&tenant]).await?;
    }
    let script = TAKE_OVER.replace("{old}", &old.schema.quoted()).replace("{new}", &new.schema.quoted());
    tx.script(&script.replace("{tenant}", &tenant.to_string())).await?;
    // Last: it leaves the workspace's rows.
    tx.rows(sql!("system/audit_platform.sql"), &[&tenant, &audit, &"workspace.restored", detail]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Carries what people did since the backup over to the new audit log, and drops the old schema, or takes the workspace's rows
/// out of it where others live there. Nothing where it is gone.
pub async fn retire(
    tx: SystemTx,
    tenant: TenantId,
    old: &SchemaName,
    new: &SchemaName,
) -> Result<(), DbError> {
    scope(&tx, tenant).await?;
    let audit = TABLES.iter().find(|table| table.name == "audit").expect("every version has an audit log");
    let mut columns = audit.columns(migrate::tenant_version(), Reading::Backup);
    columns.retain(|column| !STAMPS.iter().any(|(_, stamp)| stamp == column));
    let columns = columns.join(", ");
    let script = CARRY_OVER.replace("{old}", &old.quoted()).replace("{new}", &new.quoted());
    tx.script(&script.replace("{bare}", old.as_str()).replace("{columns}", &columns)).await?;
    if placement::is_pool(&tx, old).await? {
        tx.take_time().await?;
        tx.rows(sql!("system/clear_rows.sql"), &[&tenant, &old.as_str()]).await?;
        return tx.commit().await;
    }
    placement::drop_schema(tx, old).await
}

/// As the owner, who is bound to one workspace's rows like everybody.
async fn scope(tx: &SystemTx, tenant: TenantId) -> Result<(), DbError> {
    tx.script(&format!("set local app.tenant_id = '{tenant}'")).await
}

const TAKE_OVER: &str = "
update {new}.attempts n
set external_id = o.external_id, external_url = o.external_url, handle = o.handle, platform_state = o.platform_state
from {old}.attempts o
where o.id = n.id and n.state = 'active' and n.external_id is null and o.external_id is not null;

insert into {new}.orphans (id, connection_id, attempt_id, external_id, state, found_at)
select gen_random_uuid(), o.connection_id, o.attempt_id, o.external_id, 'open', system.now()
from (
    select a.connection_id, a.id as attempt_id, a.external_id from {old}.attempts a
    where a.state = 'active' and a.external_id is not null
      and not exists (select from {new}.attempts n where n.id = a.id)
    union
    select g.connection_id, g.attempt_id, g.external_id from {old}.orphans g where g.state <> 'gone'
) o
where exists (select from {new}.connections c where c.id = o.connection_id)
on conflict do nothing;

insert into system.due (tenant_id, kind, ref, at)
select distinct '{tenant}'::uuid, 'poll', g.connection_id, system.now() from {new}.orphans g where g.state <> 'gone';
";

/// Whoever wrote to the old log had ended when the swap held the workspace, and nobody could begin since.
const CARRY_OVER: &str = "
do $$
begin
    if to_regnamespace('{bare}') is not null then
        insert into {new}.audit ({columns})
        select {columns} from {old}.audit o
        where not exists (select from {new}.audit n where n.id = o.id);
    end if;
end
$$";

impl FromRow for Unowned {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            run: row.try_get("run_id")?,
            external_id: row.try_get("external_id")?,
            at: row.try_get("at")?,
        })
    }
}

struct Swapped {
    yes: bool,
}

impl FromRow for Swapped {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { yes: row.try_get("yes")? })
    }
}

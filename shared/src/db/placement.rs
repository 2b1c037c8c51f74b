//! Schemas of workspaces and of pools, with their roles: made, and dropped. A pool is a schema like any other that several
//! workspaces share. The steward is the only caller.

use uuid::Uuid;

use super::{
    Database, FromRow, Row, SystemRole, SystemTx,
    migrate::{self, Schema},
};
use crate::{
    error::{DbError, Refusal},
    model::{
        ids::TenantId,
        tenant::{Placement, SchemaName},
    },
    sql,
};

/// How much goes where before the next one is made. The caps are soft: two stewards at once may go a few past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Tenant roles in a cell: the cost of a login's list of memberships grows with it.
    pub roles_per_cell: i64,
    /// Workspaces in a pool.
    pub tenants_per_pool: i64,
}

impl Room {
    /// What is used where an order says nothing else.
    pub const USUAL: Self = Self { roles_per_cell: 1000, tenants_per_pool: 1000 };
}

/// A workspace to make.
pub struct Spare {
    /// Its id.
    pub tenant: TenantId,
    /// The id a pool is named by, where one has to be made for it.
    pub pool: Uuid,
    /// The salt of its first key: 32 random bytes.
    pub salt: Vec<u8>,
}

/// Makes one spare workspace, not routable until it is claimed: of its own schema, all in one transaction; or in a pool.
pub async fn provision(
    database: &Database,
    placement: Placement,
    spare: &Spare,
    room: Room,
) -> Result<(), DbError> {
    match placement {
        Placement::Pooled => provision_pooled(database, spare, room).await,
        Placement::Schema | Placement::Dedicated => {
            provision_at(database, placement, spare, room, migrate::tenant_version()).await
        }
    }
}

/// Makes one of its own schema, which may have an older version: a rollout brings it up to date.
pub async fn provision_at(
    database: &Database,
    placement: Placement,
    spare: &Spare,
    room: Room,
    version: i32,
) -> Result<(), DbError> {
    let cell = cell_with_room(database, room).await?;
    let schema = SchemaName::of(spare.tenant);
    let tx = SystemTx::begin(database, SystemRole::Steward, "provision").await?;
    build(&tx, &schema, &cell, version).await?;
    let schema = schema.as_str();
    let (cell, placement) = (cell.as_str(), placement.as_str());
    tx.execute(sql!("system/insert_spare.sql"), &[&spare.tenant, &cell, &schema, &version, &placement])
        .await?;
    tx.execute(sql!("system/insert_key.sql"), &[&spare.tenant, &spare.salt]).await?;
    tx.commit().await
}

/// The pool's row is held while a workspace joins it: a migration of the pool comes before or after, not between.
async fn provision_pooled(database: &Database, spare: &Spare, room: Room) -> Result<(), DbError> {
    let pool = pool_with_room(database, spare.pool, room).await?;
    let tx = SystemTx::begin(database, SystemRole::Owner, "provision").await?;
    tx.rows(sql!("system/lock_pool.sql"), &[&pool.as_str()]).await?;
    let joined = tx.execute(sql!("system/insert_pooled_spare.sql"), &[&spare.tenant, &pool.as_str()]).await?;
    if joined != 1 {
        return Err(DbError::Defect("the pool is gone".into()));
    }
    tx.execute(sql!("system/insert_key.sql"), &[&spare.tenant, &spare.salt]).await?;
    tx.commit().await
}

/// The newest pool that has room; made, and named by a fresh id, where there is none. Whoever looks at the same time waits, so
/// that two do not make one each.
pub async fn pool_with_room(database: &Database, fresh: Uuid, room: Room) -> Result<SchemaName, DbError> {
    let alone = SystemTx::begin(database, SystemRole::Owner, "pool").await?;
    alone.script("select pg_advisory_xact_lock(7, 1)").await?;
    let found = alone.optional(sql!("system/pool_with_room.sql"), &[&room.tenants_per_pool]).await?;
    let pool = match found {
        Some(Schema(pool)) => pool,
        None => make_pool(database, fresh, room, migrate::tenant_version()).await?,
    };
    alone.commit().await?;
    Ok(pool)
}

/// Makes a pool, which may have an older version: a rollout brings it up to date with those who live in it.
pub async fn make_pool(
    database: &Database,
    fresh: Uuid,
    room: Room,
    version: i32,
) -> Result<SchemaName, DbError> {
    let cell = cell_with_room(database, room).await?;
    let pool = SchemaName::named(fresh);
    let tx = SystemTx::begin(database, SystemRole::Steward, "make pool").await?;
    build(&tx, &pool, &cell, version).await?;
    tx.execute(sql!("system/insert_pool.sql"), &[&pool.as_str(), &cell.as_str(), &version]).await?;
    tx.rows(sql!("system/open_to_sweep.sql"), &[&pool.as_str()]).await?;
    tx.commit().await?;
    Ok(pool)
}

/// The newest cell that has room; made where there is none.
pub async fn cell_with_room(database: &Database, room: Room) -> Result<String, DbError> {
    let alone = SystemTx::begin(database, SystemRole::Owner, "cell").await?;
    let with_room = sql!("system/cell_with_room.sql");
    let found: Option<Name> = alone.optional(with_room, &[&room.roles_per_cell]).await?;
    if let Some(Name(cell)) = found {
        alone.commit().await?;
        return Ok(cell);
    }
    alone.script("select pg_advisory_xact_lock(7, 2)").await?;
    let found: Option<Name> = alone.optional(with_room, &[&room.roles_per_cell]).await?;
    let cell = match found {
        Some(Name(cell)) => cell,
        None => {
            let Name(next) = alone.one(sql!("system/next_cell.sql"), &[]).await?;
            make_cell(database, &next).await?;
            next
        }
    };
    alone.commit().await?;
    Ok(cell)
}

async fn make_cell(database: &Database, cell: &str) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Steward, "make cell").await?;
    let options = migrate::without_inheritance(migrate::server_version(&tx).await?);
    tx.rows(
        "select set_config('app.cell', $1, true), set_config('app.options', $2, true)",
        &[&cell, &options],
    )
    .await?;
    tx.script(MAKE_CELL).await?;
    tx.execute(sql!("system/insert_cell.sql"), &[&cell]).await?;
    tx.commit().await
}

/// Whoever enters the first cell enters each.
const MAKE_CELL: &str = "
do $$
declare
    v_cell text := current_setting('app.cell');
    v_member text;
begin
    -- A server that holds several of our databases has each cell's role once.
    if not exists (select from pg_catalog.pg_roles r where r.rolname = v_cell) then
        execute format('create role %I nologin noinherit', v_cell);
    end if;
    for v_member in
        select distinct r.rolname from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.member
        where m.roleid = 'cell_0001'::regrole
    loop
        execute format('grant %I to %I%s', v_cell, v_member, current_setting('app.options'));
    end loop;
end
$$;
set local role signalbox_owner;
";

/// Makes a schema for a workspace that moves, outside every route.
pub async fn make_schema(database: &Database, schema: &SchemaName, room: Room) -> Result<String, DbError> {
    let cell = cell_with_room(database, room).await?;
    let tx = SystemTx::begin(database, SystemRole::Steward, "make schema").await?;
    build(&tx, schema, &cell, migrate::tenant_version()).await?;
    tx.commit().await?;
    Ok(cell)
}

/// Gives each statement that follows in the transaction so many milliseconds.
pub async fn bound(tx: &SystemTx, ms: i64) -> Result<(), DbError> {
    tx.script(&format!("set local statement_timeout = {}", ms.clamp(1, 60_000))).await
}

/// Values as texts that are the same in every database.
pub async fn exact_texts(tx: &SystemTx) -> Result<(), DbError> {
    tx.script(
        "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; \
         set local bytea_output = 'hex'; set local extra_float_digits = 1",
    )
    .await
}

/// Whether a schema is a pool; if so it stays as it is until the transaction ends.
pub(super) async fn is_pool(tx: &SystemTx, schema: &SchemaName) -> Result<bool, DbError> {
    Ok(!tx.rows(sql!("system/target.sql"), &[&schema.as_str()]).await?.is_empty())
}

/// Whether a route leads there: a workspace that is not being made any more, or a pool.
pub async fn is_routed(tx: &SystemTx, schema: &SchemaName) -> Result<bool, DbError> {
    let routed: Known = tx.one(sql!("system/is_routed.sql"), &[&schema.as_str()]).await?;
    Ok(routed.0)
}

/// Drops a schema and its role, if no route leads there, and commits. The caller's transaction, the owner's, holds what keeps
/// routes from being led there meanwhile. May run again.
pub async fn drop_schema(tx: SystemTx, schema: &SchemaName) -> Result<(), DbError> {
    if is_routed(&tx, schema).await? {
        return Err(DbError::Refused(Refusal::WorkspaceState));
    }
    let name = schema.quoted();
    tx.script(&format!(
        "drop schema if exists {name} cascade; set local role none; drop role if exists {name}"
    ))
    .await?;
    tx.commit().await
}

/// Role, schema and tables of a version. Leaves the transaction as the owner.
pub(super) async fn build(
    tx: &SystemTx,
    schema: &SchemaName,
    cell: &str,
    version: i32,
) -> Result<(), DbError> {
    let name = schema.quoted();
    let server = migrate::server_version(tx).await?;
    let inherited = if server >= 16 { " with inherit true, set false" } else { "" };
    let entered = migrate::without_inheritance(server);
    let mut script = format!(
        "create role {name} nologin inherit; grant signalbox_tenants to {name}{inherited}; grant {name} to {cell}{entered}; \
         set local role signalbox_owner; create schema {name}; grant usage on schema {name} to {name}; \
         set local search_path = {name}, pg_temp; set local app.tenant_id = '{}';",
        Uuid::nil(),
    );
    for migration in migrate::TENANT.iter().filter(|m| m.version <= version) {
        script.push_str(&migrate::text_for(migration, schema));
        script.push_str(&migrate::noted(migration));
    }
    tx.script(&script).await
}

struct Name(String);

impl FromRow for Name {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("name")?))
    }
}

struct Known(bool);

impl FromRow for Known {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("yes")?))
    }
}

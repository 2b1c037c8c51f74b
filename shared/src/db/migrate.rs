//! Migrations: numbered files, applied in order, each workspace in a transaction of its own under `lock_timeout`.
//! The steward is the only caller; versions are recorded where they were applied.

use super::{Database, FromRow, Row, SystemRole, SystemTx};
use crate::{
    error::DbError,
    model::{
        ids::TenantId,
        tenant::{Route, SchemaName},
    },
    sql,
};

/// One numbered migration.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, from 1, without gaps.
    pub version: i32,
    /// Its name.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! migrations {
    ($folder:literal, $($version:literal => $name:literal,)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $folder, "/", $name, ".sql")),
        },)*]
    };
}

/// Schema `system`.
pub const SYSTEM: &[Migration] = migrations!["system",
    1 => "0001_routing",
    2 => "0002_work",
    3 => "0003_scope",
    4 => "0004_people",
    5 => "0005_grants",
    6 => "0006_authorize_once",
    7 => "0007_early_and_watched",
    8 => "0008_names_of_the_entered",
    9 => "0009_operations",
    10 => "0010_suspension",
    11 => "0011_rollouts",
    12 => "0012_isolation_evidence",
    13 => "0013_roles",
    14 => "0014_api_tokens",
    15 => "0015_invitations",
    16 => "0016_service_principals",
    17 => "0017_deletion",
    18 => "0018_leftovers",
    19 => "0019_archives",
    20 => "0020_gone_meanwhile",
    21 => "0021_seals",
    22 => "0022_limits_and_usage",
    23 => "0023_quotas",
    24 => "0024_measure",
    25 => "0025_operators",
    26 => "0026_operator_access",
    27 => "0027_overview",
    28 => "0028_key_versions",
];

/// A workspace's schema.
pub const TENANT: &[Migration] = migrations!["tenant",
    1 => "0001_configuration",
    2 => "0002_work",
    3 => "0003_fence",
    4 => "0004_seals",
];

/// The roles every cluster has.
pub const ROLES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/roles.sql"));

/// Where a superuser took `set_config` and plpgsql from everybody (no injected expression can then change its identity), the
/// owner of our functions is given them back.
const HARDENED: &str = "
do $$
begin
    if has_function_privilege('pg_catalog.set_config(text, text, boolean)', 'execute with grant option') then
        grant execute on function pg_catalog.set_config(text, text, boolean) to signalbox_owner;
    end if;
    if has_language_privilege('plpgsql', 'usage with grant option') then
        grant usage on language plpgsql to signalbox_owner;
    end if;
end
$$";

/// The version of a workspace's schema once it is up to date.
pub fn tenant_version() -> i32 {
    TENANT.last().map_or(0, |m| m.version)
}

/// Makes the cluster's roles and schema `system`, and brings it up to date. May run again at any time.
pub async fn install(database: &Database) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Steward, "roles").await?;
    tx.script("select pg_advisory_xact_lock(3, 0)").await?;
    tx.script(ROLES).await?;
    tx.script(HARDENED).await?;
    let server = server_version(&tx).await?;
    tx.script(if server >= 16 {
        "grant signalbox_owner to current_user with inherit false, set true"
    } else {
        "grant signalbox_owner to current_user"
    })
    .await?;
    tx.script(
        "do $$ begin execute format('grant create on database %I to signalbox_owner', current_database()); \
               execute format('revoke all on database %I from public', current_database()); end $$",
    )
    .await?;
    tx.commit().await?;

    let tx = SystemTx::begin(database, SystemRole::Owner, "system schema").await?;
    tx.script("create schema if not exists system; revoke all on schema system from public").await?;
    tx.commit().await?;
    for migration in SYSTEM {
        apply_system(database, migration).await?;
    }
    Ok(())
}

async fn apply_system(database: &Database, migration: &Migration) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Owner, "system migration").await?;
    tx.script("select pg_advisory_xact_lock(3, 0)").await?;
    let known: Known = tx.one(sql!("system/is_installed.sql"), &[]).await?;
    if known.yes {
        let applied: Known = tx.one(sql!("system/is_applied.sql"), &[&migration.version]).await?;
        if applied.yes {
            return tx.rollback().await;
        }
    }
    tx.script("set local search_path = system, pg_temp").await?;
    tx.script(migration.text).await?;
    tx.execute(sql!("system/applied.sql"), &[&migration.version, &migration.name]).await?;
    tx.commit().await?;
    tracing::info!(version = migration.version, name = migration.name, "system migration applied");
    Ok(())
}

/// Makes one spare workspace: role, schema, tables, first key salt, routing row; one transaction. Not routable until it is claimed.
pub async fn provision(database: &Database, tenant: TenantId, salt: Vec<u8>) -> Result<(), DbError> {
    provision_at(database, tenant, salt, tenant_version()).await
}

/// Makes one whose schema has an older version; a rollout brings it up to date.
pub async fn provision_at(
    database: &Database,
    tenant: TenantId,
    salt: Vec<u8>,
    version: i32,
) -> Result<(), DbError> {
    let route = Route { tenant, schema: SchemaName::of(tenant) };
    let tx = SystemTx::begin(database, SystemRole::Steward, "provision").await?;
    make(&tx, &route, version).await?;
    let spare = sql!("system/insert_spare.sql");
    tx.execute(spare, &[&tenant, &route.schema.as_str(), &version]).await?;
    tx.execute(sql!("system/insert_key.sql"), &[&tenant, &salt]).await?;
    tx.commit().await
}

/// Makes role, schema and tables at a version, as the steward's login; goes on as the owner.
pub(super) async fn make(tx: &SystemTx, route: &Route, version: i32) -> Result<(), DbError> {
    let Route { tenant, schema } = route;
    let name = schema.quoted();
    let server = server_version(tx).await?;
    let grants = if server >= 16 {
        format!(
            "grant signalbox_tenants to {name} with inherit true, set false; grant {name} to cell_0001 with inherit false, set true"
        )
    } else {
        format!("grant signalbox_tenants to {name}; grant {name} to cell_0001")
    };
    let mut script = format!(
        "create role {name} nologin inherit; {grants}; set local role signalbox_owner; create schema {name}; \
         grant usage on schema {name} to {name}; set local search_path = {name}, pg_temp; set local app.tenant_id = '{tenant}';"
    );
    for migration in TENANT.iter().filter(|m| m.version <= version) {
        script.push_str(&text_for(migration, schema));
        script.push_str(&format!(
            "insert into schema_migrations (version, name, applied_at) values ({}, '{}', system.now());",
            migration.version, migration.name
        ));
    }
    tx.script(&script).await
}

/// Brings a schema that no route leads to from a version up to date.
pub async fn forward(database: &Database, route: &Route, from: i32) -> Result<(), DbError> {
    for migration in TENANT.iter().filter(|m| m.version > from) {
        let tx = SystemTx::begin(database, SystemRole::Owner, "restored schema").await?;
        apply(&tx, route, migration).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Brings one workspace up to date; each migration is a transaction. Returns how many were applied.
pub async fn migrate(database: &Database, tenant: TenantId, from: i32) -> Result<i32, DbError> {
    let mut applied = 0;
    for migration in TENANT.iter().filter(|m| m.version > from) {
        let tx = SystemTx::begin(database, SystemRole::Owner, "tenant migration").await?;
        let moved: Option<Moved> =
            tx.optional(sql!("system/next_version.sql"), &[&tenant, &migration.version]).await?;
        if let Some(Moved(schema)) = moved {
            apply(&tx, &Route { tenant, schema }, migration).await?;
            applied += 1;
        }
        tx.commit().await?;
    }
    Ok(applied)
}

/// One migration in one schema, as the owner.
async fn apply(tx: &SystemTx, route: &Route, migration: &Migration) -> Result<(), DbError> {
    let Route { tenant, schema } = route;
    let name = schema.quoted();
    tx.script(&format!("set local search_path = {name}, pg_temp; set local app.tenant_id = '{tenant}'"))
        .await?;
    tx.script(&text_for(migration, schema)).await?;
    tx.script(&format!(
        "insert into schema_migrations (version, name, applied_at) values ({}, '{}', system.now())",
        migration.version, migration.name
    ))
    .await
}

fn text_for(migration: &Migration, schema: &SchemaName) -> String {
    migration.text.replace("{role}", &schema.quoted())
}

pub(super) async fn server_version(tx: &SystemTx) -> Result<i32, DbError> {
    let version: Version = tx.one(sql!("system/server_version.sql"), &[]).await?;
    Ok(version.0)
}

struct Version(i32);

impl FromRow for Version {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("major")?))
    }
}

/// Where the workspace is whose version was moved.
struct Moved(SchemaName);

impl FromRow for Moved {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let name: String = row.try_get("schema_name")?;
        name.parse().map(Self).map_err(|_| DbError::Defect("a schema's name cannot be read".into()))
    }
}

struct Known {
    yes: bool,
}

impl FromRow for Known {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self { yes: row.try_get("yes")? })
    }
}

//! Migrations: numbered files, applied in order, each workspace in a transaction of its own under `lock_timeout`.
//! The steward is the only caller; versions are recorded where they were applied.

use uuid::Uuid;

use super::{Database, FromRow, Row, SystemRole, SystemTx, connection::named};
use crate::{
    error::{DbError, Refusal},
    model::{
        rollout::Home,
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
    /// Its statements; `{role}` stands for the role of the workspace.
    pub text: &'static str,
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
    29 => "0029_placements",
    30 => "0030_moves",
    31 => "0031_pooled_deletion",
    32 => "0032_lock_order",
    33 => "0033_databases",
    34 => "0034_move_reads_alone",
    35 => "0035_unowned_runs",
    36 => "0036_far_moves",
    37 => "0037_rollout_steps",
    38 => "0038_backfills",
    39 => "0039_backup_schedules",
    40 => "0040_token_calls",
    41 => "0041_operator_sign_out",
    42 => "0042_operators_everywhere",
    43 => "0043_end_session",
    44 => "0044_on_its_way",
    45 => "0045_cleared_first",
    46 => "0046_sweep_names_last",
    47 => "0047_brakes",
    48 => "0048_unsealed_since",
    49 => "0049_unfinished_workspaces",
    50 => "0050_cancel_operations",
    51 => "0051_sandboxes",
    52 => "0052_sign_in_to",
    53 => "0053_first_word",
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
        "grant signalbox_owner, signalbox_sweeper to current_user with inherit false, set true"
    } else {
        "grant signalbox_owner, signalbox_sweeper to current_user"
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
    // Each connection that is opened from now on compares it; this one was let in by the same name, or by none yet.
    tx.script(&format!("comment on schema system is '{}'", named(database.name()))).await?;
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

/// Brings a schema that no route leads to from a version up to date.
pub async fn forward(database: &Database, route: &Route, from: i32) -> Result<(), DbError> {
    for migration in TENANT.iter().filter(|m| m.version > from) {
        let tx = SystemTx::begin(database, SystemRole::Owner, "restored schema").await?;
        tx.whole(&applied(&route.schema, migration)).await?;
    }
    Ok(())
}

/// Brings a schema up to date with all who live in it; each migration is a transaction of one message, and is passed over where
/// the schema has it. Refused where it had the last of them, or nobody is there any more. A migration defines and never reads or
/// changes rows: of a pool's it would see none.
pub async fn bring(database: &Database, home: &Home, migrations: &[Migration]) -> Result<(), DbError> {
    let mut outcome = Ok(());
    for migration in migrations.iter().filter(|m| m.version > home.version) {
        let tx = SystemTx::begin(database, SystemRole::Owner, "tenant migration").await?;
        outcome = tx.whole(&step(&home.schema, migration)).await;
        if !matches!(outcome, Ok(()) | Err(DbError::Refused(Refusal::WorkspaceState))) {
            break;
        }
    }
    outcome
}

/// The whole of one migration of one schema. Its commit does not wait for the disk: the version stands in the same transaction,
/// so what a crash of the server takes back is behind again, and a tick of the rollout brings it anew. Whatever commits later
/// and waits (a person's write, the rollout's own count) makes it last.
fn step(schema: &SchemaName, migration: &Migration) -> String {
    let next = format!("select system.next_version('{schema}', {})", migration.version);
    let applied = applied(schema, migration);
    format!("set local synchronous_commit = off; {next};\n{applied}\nselect system.open_pool('{schema}')")
}

/// One migration in one schema, as the owner, who sees no row meanwhile.
fn applied(schema: &SchemaName, migration: &Migration) -> String {
    let (name, nobody) = (schema.quoted(), Uuid::nil());
    let (text, noted) = (text_for(migration, schema), noted(migration));
    format!("set local search_path = {name}, pg_temp; set local app.tenant_id = '{nobody}';\n{text}\n{noted}")
}

/// The statement that notes a migration in its schema.
pub(super) fn noted(migration: &Migration) -> String {
    format!(
        "insert into schema_migrations (version, name, applied_at) values ({}, '{}', system.now());",
        migration.version, migration.name
    )
}

/// Membership without inheritance: an option of the grant from 16 on, of the role (noinherit) before.
pub(super) fn without_inheritance(server: i32) -> &'static str {
    if server >= 16 { " with inherit false, set true" } else { "" }
}

pub(super) fn text_for(migration: &Migration, schema: &SchemaName) -> String {
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

/// A schema, as routing rows and pools name it.
pub(super) struct Schema(pub(super) SchemaName);

impl FromRow for Schema {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let name: String = row.try_get("schema_name")?;
        Ok(Self(name.parse().map_err(|error| DbError::Defect(Box::new(error)))?))
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

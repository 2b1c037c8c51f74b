-- What a workspace configures. Run with search_path set to the workspace's schema, as signalbox_owner.
-- Every tenant table, in every placement: tenant_id first in each key, composite foreign keys, forced row-level security (0003).

-- Which migrations this schema has. The schema's, not a tenant's: no tenant role may read it.
create table schema_migrations (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null
);

create table vaults (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    kind text not null check (kind in ('managed', 'aws_secrets_manager', 'azure_key_vault', 'google_secret_manager', 'hashicorp_vault')),
    settings jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

-- Secrets of managed vaults: nonce, ciphertext and tag under the tenant's key of that version. Written and opened, never read out.
create table credentials (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    vault_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    key_version integer not null,
    sealed bytea not null check (length(sealed) <= 70000),
    updated_at timestamptz not null,
    updated_by uuid not null,
    primary key (tenant_id, vault_id, name),
    foreign key (tenant_id, vault_id) references vaults (tenant_id, id) on delete cascade
);

create table concurrency_profiles (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    capacity integer not null check (capacity between 1 and 10000),
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

create table connections (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    kind text not null check (length(kind) between 1 and 40),
    settings jsonb not null,
    vault_id uuid,
    credential_name text check (length(credential_name) between 1 and 100),
    concurrency_profile_id uuid,
    state text not null default 'active' check (state in ('active', 'paused')),
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    check ((vault_id is null) = (credential_name is null)),
    foreign key (tenant_id, vault_id) references vaults (tenant_id, id),
    foreign key (tenant_id, concurrency_profile_id) references concurrency_profiles (tenant_id, id)
);

-- One row per concurrency key (a connection): what may be in flight and what is. in_use moves only in the transaction that
-- moves an attempt, with this row locked first.
create table slots (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    key uuid not null,
    capacity integer not null check (capacity between 1 and 10000),
    in_use integer not null default 0 check (in_use >= 0),
    paused_until timestamptz,
    primary key (tenant_id, key),
    foreign key (tenant_id, key) references connections (tenant_id, id) on delete cascade
);

create table connection_tests (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    connection_id uuid not null,
    state text not null check (state in ('pending', 'succeeded', 'failed')),
    message text check (length(message) <= 2000),
    created_at timestamptz not null,
    created_by uuid not null,
    finished_at timestamptz,
    primary key (tenant_id, id),
    check ((finished_at is null) = (state = 'pending')),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
);
create index connection_tests_latest on connection_tests (tenant_id, connection_id, id desc);

create table jobs (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    version integer not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    deleted_at timestamptz,
    primary key (tenant_id, id)
);
create unique index jobs_name on jobs (tenant_id, name) where deleted_at is null;

create table job_versions (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    job_id uuid not null,
    version integer not null,
    definition jsonb not null,
    max_active_runs integer check (max_active_runs between 1 and 1000),
    created_at timestamptz not null,
    created_by uuid not null,
    primary key (tenant_id, job_id, version),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);

-- The tasks of a version with their connections resolved to ids, so that a connection in use cannot vanish.
create table job_tasks (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    job_id uuid not null,
    version integer not null,
    position integer not null,
    name text not null check (length(name) between 1 and 100),
    connection_id uuid not null,
    priority integer not null check (priority between 1 and 10),
    weight integer not null check (weight between 1 and 10000),
    is_root boolean not null,
    primary key (tenant_id, job_id, version, position),
    foreign key (tenant_id, job_id, version) references job_versions (tenant_id, job_id, version),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id)
);
create index job_tasks_connection on job_tasks (tenant_id, connection_id);

create table schedules (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    job_id uuid not null,
    cron text not null check (length(cron) <= 200),
    time_zone text not null check (length(time_zone) <= 64),
    gap text not null default 'next_valid' check (gap in ('next_valid', 'skip')),
    fold text not null default 'first' check (fold in ('first', 'second', 'both')),
    parameters jsonb not null default '{}',
    state text not null default 'active' check (state in ('active', 'paused')),
    next_fire_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index schedules_job on schedules (tenant_id, job_id);
create index schedules_due on schedules (tenant_id, next_fire_at) where state = 'active';

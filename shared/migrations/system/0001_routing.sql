-- Who the tenants are, where they live, who may enter. No tenant content.

-- Database time: the one time of leases, slots and schedules.
create function system.now() returns timestamptz
    language sql stable parallel safe
    set search_path = pg_catalog, pg_temp
    as $$ select statement_timestamp() $$;

create table system.tenants (
    id uuid primary key,
    name text not null default '' check (length(name) <= 200),
    state text not null check (state in ('spare', 'provisioning', 'active', 'suspending', 'suspended', 'deleting', 'deleted')),
    placement text not null default 'schema' check (placement in ('pooled', 'schema', 'dedicated')),
    cell text not null default 'cell_0001',
    database_name text not null,
    schema_name text not null check (schema_name ~ '^t_[0-9a-f]{32}$'),
    role_name text not null check (role_name ~ '^t_[0-9a-f]{32}$'),
    schema_version integer not null default 0,
    created_at timestamptz not null,
    claimed_at timestamptz
);
create unique index tenants_schema on system.tenants (schema_name) where placement <> 'pooled';
create index tenants_spare on system.tenants (created_at) where state = 'spare';

create table system.tenant_keys (
    tenant_id uuid not null references system.tenants (id),
    version integer not null check (version > 0),
    salt bytea not null check (length(salt) = 32),
    created_at timestamptz not null,
    primary key (tenant_id, version)
);

-- A directory is a customer's identity tenant (Entra's `tid`). Its row is the allow-list.
create table system.directories (
    provider text not null default 'entra',
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    state text not null default 'onboarded' check (state in ('onboarded', 'blocked')),
    first_administrator uuid,
    tenant_id uuid unique references system.tenants (id),
    created_at timestamptz not null,
    primary key (provider, id)
);

-- A person is (provider, directory, object id); names and addresses are for display, never for matching.
create table system.users (
    id uuid primary key,
    provider text not null,
    directory_id uuid not null,
    object_id uuid not null,
    display_name text not null default '' check (length(display_name) <= 200),
    created_at timestamptz not null,
    unique (provider, directory_id, object_id)
);

create table system.memberships (
    tenant_id uuid not null references system.tenants (id),
    user_id uuid not null references system.users (id),
    role text not null check (role in ('administrator', 'operator')),
    state text not null default 'active' check (state in ('active', 'removed')),
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, user_id)
);
create index memberships_user on system.memberships (user_id) where state = 'active';

create table system.sessions (
    id uuid primary key,
    user_id uuid not null references system.users (id),
    tenant_id uuid not null references system.tenants (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_user on system.sessions (user_id) where ended_at is null;

-- Which function a database login belongs to; written by the steward's install.
create table system.logins (
    name text primary key,
    function text not null check (function in ('signin', 'portal', 'scheduler', 'dispatcher', 'steward'))
);

create table system.migrations (
    scope text not null check (scope in ('system', 'tenant')),
    version integer not null,
    name text not null,
    applied_at timestamptz not null,
    primary key (scope, version)
);

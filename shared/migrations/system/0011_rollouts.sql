-- A rollout brings every workspace to one version of its schema: spares, then one, then ten, then all; the first error stops
-- it, and it goes on where it was. What is left to do stands in tenants.schema_version; here stands how it goes.
create table system.rollouts (
    version integer primary key check (version > 0),
    state text not null default 'running' check (state in ('running', 'stopped', 'done')),
    -- The widest wave that may be worked: somebody may want to look before the next.
    until text not null default 'all' check (until in ('spares', 'one', 'ten', 'all')),
    migrated integer not null default 0,
    started_at timestamptz not null,
    updated_at timestamptz not null
);

create table system.rollout_failures (
    version integer not null references system.rollouts (version),
    tenant_id uuid not null references system.tenants (id),
    error text not null check (length(error) <= 500),
    at timestamptz not null,
    primary key (version, tenant_id)
);
alter table system.rollout_failures enable row level security;

create index tenants_version on system.tenants (schema_version, id) where state <> 'deleted';

-- What a migration owes the rows that were there before it: a statement of the release (`NNNN_name.backfill.sql`), worked through
-- each workspace in its own scope, a batch at a time. Not a schedule's backfill, which is runs.
create table system.migration_backfills (
    version integer primary key check (version > 0),
    name text not null check (length(name) between 1 and 100),
    -- Stopped where too many workspaces failed: an order lets it go on.
    state text not null default 'running' check (state in ('running', 'stopped')),
    known_since timestamptz not null
);

-- One row for each workspace that was there when the version came to it. `after` is where the last batch ended, as the statement
-- tells it; it is written in the transaction of the batch.
create table system.owed_backfills (
    tenant_id uuid not null references system.tenants (id),
    version integer not null references system.migration_backfills (version),
    state text not null default 'open' check (state in ('open', 'done', 'failed')),
    after text not null default '' check (length(after) <= 200),
    changed bigint not null default 0,
    error text check (length(error) <= 500),
    not_before timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, version),
    check ((error is null) = (state <> 'failed'))
);
create index owed_backfills_open on system.owed_backfills (not_before, tenant_id) where state = 'open';
create index owed_backfills_version on system.owed_backfills (version, state);
alter table system.owed_backfills enable row level security;
insert into system.exported_tables (name, columns) values ('owed_backfills', 'x.version, x.state, x.changed, x.error, x.updated_at');

-- A workspace owes the backfills of these versions, from the beginning.
create function system.owe_backfills(p_tenant uuid, p_from integer, p_to integer) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into system.owed_backfills as o (tenant_id, version, not_before, updated_at)
    select p_tenant, b.version, system.now(), system.now() from system.migration_backfills b where b.version between p_from and p_to
    on conflict (tenant_id, version) do update
    set state = 'open', after = '', changed = 0, error = null, not_before = excluded.not_before, updated_at = excluded.updated_at;
end
$$;

-- Rows that were loaded from a backup: it may be older than a version, or have been made while that version's backfill was under
-- way. So everything is owed anew; whatever is right already is left as it is.
create function system.owe_all_backfills(p_tenant uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform system.owe_backfills(p_tenant, 1, (select t.schema_version from system.tenants t where t.id = p_tenant));
end
$$;
revoke execute on function system.owe_backfills(uuid, integer, integer), system.owe_all_backfills(uuid) from public;

-- As before; and everybody who lives there owes the version's backfill. A spare has no rows.
create or replace function system.next_version(p_schema text, p_version integer) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.pools p set schema_version = p_version where p.schema_name = p_schema and p.schema_version = p_version - 1;
    if found then
        update system.tenants t set schema_version = p_version
        where t.schema_name = p_schema and t.placement = 'pooled' and t.state <> 'deleted' and t.schema_version = p_version - 1;
        perform system.owe_backfills(t.id, p_version, p_version) from system.tenants t
        where t.schema_name = p_schema and t.placement = 'pooled' and t.state not in ('spare', 'purging', 'deleted');
        return;
    end if;
    update system.tenants t set schema_version = p_version
    where t.schema_name = p_schema and t.placement <> 'pooled' and t.state not in ('provisioning', 'purging', 'deleted')
      and t.schema_version = p_version - 1;
    if not found then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    perform system.owe_backfills(t.id, p_version, p_version) from system.tenants t
    where t.schema_name = p_schema and t.placement <> 'pooled' and t.state not in ('spare', 'deleted');
end
$$;

-- Exports, backups and restores: what the steward reads and changes for them.

alter table system.operations drop constraint operations_kind_check;
alter table system.operations add constraint operations_kind_check
    check (kind in ('suspend', 'deletion', 'export', 'backup', 'restore', 'rotation', 'move', 'expiry'));

-- The salts of the tenant's keys; only the functions that seal or open secrets, or a backup, are told.
create or replace function system.tenant_salts() returns table (version integer, salt bytea)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l
                   where l.name = session_user and l.function in ('portal', 'dispatcher', 'steward')) then
        raise exception using errcode = 'SB401', message = 'login may not have keys';
    end if;
    return query select k.version, k.salt from system.tenant_keys k where k.tenant_id = v_tenant order by k.version;
end
$$;

-- Which version the workspace's schema has, and the instant of the snapshot.
create function system.snapshot() returns table (schema_version integer, at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$ select t.schema_version, system.now() from system.tenants t where t.id = system.tenant() $$;

-- Which tables of schema system an export reads for a workspace, and what of each row: a list of expressions over `x`, the row.
-- Never a salt, a hash or anything else that opens a door. A migration that brings a table with a tenant_id adds a row here
-- (an empty list: nothing is exported); a test looks for it.
create table system.exported_tables (
    name text primary key,
    columns text not null
);
insert into system.exported_tables (name, columns) values
    ('api_tokens', 'x.id, x.user_id, x.name, x.permissions, x.created_at, x.expires_at, x.last_used_at, x.ended_at'),
    ('canaries', ''),
    ('invitations', 'x.id, x.role, x.role_id, x.directory_id, x.object_id, x.created_by, x.created_at, x.expires_at, x.ended_at,
                     x.accepted_by'),
    ('isolation_evidence', 'x.checked_at, x.attempts, x.violations, x.checks'),
    ('roles', 'x.id, x.name, x.permissions, x.version, x.created_at, x.updated_at'),
    ('directories', 'x.provider, x.id, x.name, x.state, x.first_administrator, x.created_at'),
    ('due', 'x.kind, x.ref, x.at, x.round'),
    ('memberships', 'x.user_id, (select u.display_name from system.users u where u.id = x.user_id) as display_name,
                     (select u.provider from system.users u where u.id = x.user_id) as provider,
                     (select u.directory_id from system.users u where u.id = x.user_id) as directory_id,
                     (select u.object_id from system.users u where u.id = x.user_id) as object_id,
                     x.role, x.role_id, x.state, x.version, x.created_at, x.updated_at'),
    ('operations', 'x.id, x.kind, x.state, x.step, x.request, x.progress, x.result, x.error, x.requested_by, x.not_before,
                    x.created_at, x.started_at, x.finished_at'),
    ('outbox', 'x.id, x.kind, x.ref, x.available_at, x.resend_at, x.sends'),
    ('rollout_failures', 'x.version, x.error, x.at'),
    ('sessions', 'x.id, x.user_id, x.created_at, x.expires_at, x.ended_at'),
    ('tenant_keys', 'x.version, x.created_at'),
    ('tombstones', '');

-- Everything that schema system holds for the workspace, as lines of JSON; to the steward alone.
create function system.exported() returns table (part text, line text)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_table record;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'steward') then
        raise exception using errcode = 'SB401', message = 'login may not export';
    end if;
    return query
        select 'workspace', row_to_json(r)::text from (
            select t.id, t.name, t.state, t.placement, t.cell, t.schema_version, t.created_at, t.claimed_at
            from system.tenants t where t.id = v_tenant) r;
    for v_table in select e.name, e.columns from system.exported_tables e where e.columns <> '' order by e.name loop
        return query execute format(
            'select %L, row_to_json(r)::text from (select %s from system.%I x where x.tenant_id = $1 order by 1, 2) r',
            v_table.name, v_table.columns, v_table.name) using v_tenant;
    end loop;
end
$$;

revoke execute on function system.snapshot(), system.exported() from public;
grant execute on function system.snapshot(), system.exported() to signalbox_tenants;

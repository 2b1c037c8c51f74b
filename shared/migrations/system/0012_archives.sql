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

-- Everything that schema system holds for the workspace, as lines of JSON; to the steward alone. Of keys the versions, never
-- a salt. A table of a later migration is added by replacing this function: a test looks for it.
create function system.exported() returns table (part text, line text)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'steward') then
        raise exception using errcode = 'SB401', message = 'login may not export';
    end if;
    return query
        select 'workspace', row_to_json(r)::text from (
            select t.id, t.name, t.state, t.placement, t.cell, t.schema_version, t.created_at, t.claimed_at
            from system.tenants t where t.id = v_tenant) r;
    return query
        select 'directories', row_to_json(r)::text from (
            select d.provider, d.id, d.name, d.state, d.first_administrator, d.created_at
            from system.directories d where d.tenant_id = v_tenant order by d.provider, d.id) r;
    return query
        select 'memberships', row_to_json(r)::text from (
            select m.user_id, u.provider, u.directory_id, u.object_id, u.display_name, m.role, m.state, m.version,
                   m.created_at, m.updated_at
            from system.memberships m join system.users u on u.id = m.user_id
            where m.tenant_id = v_tenant order by m.user_id) r;
    return query
        select 'sessions', row_to_json(r)::text from (
            select s.id, s.user_id, s.created_at, s.expires_at, s.ended_at
            from system.sessions s where s.tenant_id = v_tenant order by s.id) r;
    return query
        select 'operations', row_to_json(r)::text from (
            select o.id, o.kind, o.state, o.step, o.request, o.progress, o.result, o.error, o.requested_by, o.not_before,
                   o.created_at, o.started_at, o.finished_at
            from system.operations o where o.tenant_id = v_tenant order by o.id) r;
    return query
        select 'tenant_keys', row_to_json(r)::text from (
            select k.version, k.created_at from system.tenant_keys k where k.tenant_id = v_tenant order by k.version) r;
    return query
        select 'due', row_to_json(r)::text from (
            select d.kind, d.ref, d.at, d.round from system.due d where d.tenant_id = v_tenant order by d.kind, d.ref) r;
    return query
        select 'outbox', row_to_json(r)::text from (
            select o.id, o.kind, o.ref, o.available_at, o.resend_at, o.sends
            from system.outbox o where o.tenant_id = v_tenant order by o.id) r;
end
$$;

revoke execute on function system.snapshot(), system.exported() from public;
grant execute on function system.snapshot(), system.exported() to signalbox_tenants;

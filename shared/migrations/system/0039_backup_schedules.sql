-- How often a workspace is backed up by itself, and how many of those backups are kept. The row has the next instant: the steward
-- finds what is due by an index, and asks no workspace.
create table system.backup_schedules (
    tenant_id uuid primary key references system.tenants (id),
    -- Never, where none.
    every_hours integer check (every_hours between 1 and 168),
    keep integer not null check (keep between 1 and 30),
    version integer not null,
    last_at timestamptz,
    next_at timestamptz,
    updated_at timestamptz not null,
    updated_by uuid not null,
    check ((next_at is null) = (every_hours is null))
);
create index backup_schedules_next on system.backup_schedules (next_at) where next_at is not null;

alter table system.backup_schedules enable row level security;
create policy own on system.backup_schedules to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
insert into system.exported_tables (name, columns)
values ('backup_schedules', 'x.every_hours, x.keep, x.version, x.last_at, x.next_at, x.updated_at, x.updated_by');

-- The schedule of the current workspace, if there ever was one; held against other changes until the transaction ends where it
-- is about to be changed.
create function system.backup_schedule(p_hold boolean)
    returns table (every_hours integer, keep integer, version integer, last_at timestamptz, next_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if p_hold then
        perform pg_advisory_xact_lock(4, hashtext(v_tenant::text || 'backup_schedule'));
    end if;
    return query
        select s.every_hours, s.keep, s.version, s.last_at, s.next_at
        from system.backup_schedules s where s.tenant_id = v_tenant;
end
$$;

-- Sets it. The next backup is due so many hours after the last one, and at once where there was none.
create function system.backup_schedule_set(p_every_hours integer, p_keep integer, p_user uuid) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not schedule backups';
    end if;
    insert into system.backup_schedules as s (tenant_id, every_hours, keep, version, next_at, updated_at, updated_by)
    values (v_tenant, p_every_hours, p_keep, 1, case when p_every_hours is not null then system.now() end, system.now(), p_user)
    on conflict (tenant_id) do update
    set every_hours = excluded.every_hours, keep = excluded.keep, version = s.version + 1,
        next_at = case when excluded.every_hours is not null then
            greatest(system.now(), coalesce(s.last_at + make_interval(hours => excluded.every_hours), system.now())) end,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by;
end
$$;

revoke execute on function
    system.backup_schedule(boolean), system.backup_schedule_set(integer, integer, uuid)
    from public;
grant execute on function
    system.backup_schedule(boolean), system.backup_schedule_set(integer, integer, uuid)
    to signalbox_tenants;

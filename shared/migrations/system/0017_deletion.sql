-- Deleting a workspace: `deleting` while it may be taken back (people may read), `purging` once it may not (nobody may enter but
-- the functions that stop what it runs outside), then `deleted`: a row that says that there was one, and its tombstone.
alter table system.tenants drop constraint tenants_state_check;
alter table system.tenants add constraint tenants_state_check check (
    state in ('spare', 'provisioning', 'active', 'suspending', 'suspended', 'deleting', 'purging', 'deleted'));

-- What is left of a workspace: that it is gone, and the certificate of it.
create table system.tombstones (
    tenant_id uuid primary key references system.tenants (id),
    directory_id uuid,
    certificate jsonb not null check (octet_length(certificate::text) <= 262144),
    deleted_at timestamptz not null
);
alter table system.tombstones enable row level security;

-- Each function that lists the states in which people may enter has one more: until the grace is over they may read and undo.
do $$
declare
    v_function oid;
    v_states constant text := $q$('active', 'suspending', 'suspended')$q$;
    v_changed integer := 0;
begin
    for v_function in
        select p.oid from pg_proc p where p.pronamespace = 'system'::regnamespace and strpos(p.prosrc, v_states) > 0
    loop
        execute replace(pg_get_functiondef(v_function), v_states, $q$('active', 'suspending', 'suspended', 'deleting')$q$);
        v_changed := v_changed + 1;
    end loop;
    if v_changed = 0 then
        raise exception 'no function lists the states in which people may enter';
    end if;
end
$$;

-- Begins a deletion's grace and says the state before it. The name confirms that it is meant. SB409 `workspace_name`: it is
-- another; SB409 `operation_open`: something else is being done to it; SB409 `workspace_state`: it cannot be deleted now.
create function system.deletion_begin(p_name text) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_name text;
    v_state text;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not delete';
    end if;
    perform pg_advisory_xact_lock(1, hashtext(v_tenant::text));
    select t.name, t.state into v_name, v_state from system.tenants t where t.id = v_tenant for update;
    if v_name is distinct from p_name then
        raise exception using errcode = 'SB409', message = 'workspace_name';
    end if;
    if exists (select from system.operations o where o.tenant_id = v_tenant and o.exclusive and o.finished_at is null) then
        raise exception using errcode = 'SB409', message = 'operation_open';
    end if;
    if v_state not in ('active', 'suspended') then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    update system.tenants t set state = 'deleting' where t.id = v_tenant;
    return v_state;
end
$$;

-- Takes a deletion back while its grace lasts: the workspace is what it was before, and what it owes is due at once.
-- SB409 `operation_open`: the grace is over; SB409 `workspace_state`: it is not being deleted.
create function system.deletion_undo() returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_before text;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not undo a deletion';
    end if;
    perform pg_advisory_xact_lock(1, hashtext(v_tenant::text));
    update system.operations o set state = 'cancelled', finished_at = system.now()
    where o.tenant_id = v_tenant and o.kind = 'deletion' and o.state = 'pending' and o.not_before > system.now()
    returning o.request ->> 'before' into v_before;
    if v_before is null then
        raise exception using errcode = 'SB409', message = case
            when exists (select from system.operations o
                         where o.tenant_id = v_tenant and o.kind = 'deletion' and o.finished_at is null)
            then 'operation_open' else 'workspace_state' end;
    end if;
    update system.tenants t set state = v_before where t.id = v_tenant and t.state = 'deleting';
    if v_before = 'active' then
        update system.outbox o set resend_at = least(o.resend_at, greatest(o.available_at, system.now()))
        where o.tenant_id = v_tenant;
    end if;
end
$$;

-- The grace is over: whatever holds the workspace has ended once this returns, and nobody enters it any more. What else was
-- being done to it, reading, is over too: its holder has lost it. May run again.
create function system.deletion_fence(p_tenant uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    update system.tenants t set state = 'purging' where t.id = p_tenant and t.state in ('deleting', 'purging');
    if not found then
        raise exception 'the workspace is not being deleted';
    end if;
    update system.operations o set state = 'cancelled', finished_at = system.now(), epoch = o.epoch + 1, lease_until = null
    where o.tenant_id = p_tenant and o.kind <> 'deletion' and o.finished_at is null;
end
$$;

-- Rows of a workspace's own tables, by table; none where there is no schema.
create function system.count_content(p_tenant uuid) returns table (name text, total bigint)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
begin
    select t.schema_name into v_schema from system.tenants t where t.id = p_tenant;
    perform set_config('app.tenant_id', p_tenant::text, true);
    for name in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = v_schema and c.relkind in ('r', 'p') order by c.relname
    loop
        execute format('select count(*) from %I.%I', v_schema, name) into total;
        return next;
    end loop;
    perform set_config('app.tenant_id', '', true);
end
$$;

-- Rows of a workspace in tables of this schema.
create function system.count_rows(p_tenant uuid, p_tables text[]) returns table (name text, total bigint)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    foreach name in array p_tables loop
        execute format('select count(*) from system.%I where tenant_id = $1', name) into total using p_tenant;
        return next;
    end loop;
end
$$;

-- Deletes a workspace's rows from tables of this schema, in the order given, and the people who were members of it and now
-- belong to no workspace. Whom anything else refers to stays.
create function system.purge_rows(p_tenant uuid, p_tables text[]) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_people uuid[];
    v_table text;
    v_user uuid;
begin
    select array_agg(m.user_id) into v_people from system.memberships m where m.tenant_id = p_tenant;
    foreach v_table in array p_tables loop
        execute format('delete from system.%I where tenant_id = $1', v_table) using p_tenant;
    end loop;
    foreach v_user in array coalesce(v_people, '{}') loop
        begin
            delete from system.users u where u.id = v_user
              and not exists (select from system.memberships m where m.user_id = u.id);
        exception when foreign_key_violation then
            null;
        end;
    end loop;
end
$$;

-- The end, in one transaction: the tombstone, a row without content, and no operation, this one included.
create function system.bury(p_tenant uuid, p_directory uuid, p_certificate jsonb) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into system.tombstones (tenant_id, directory_id, certificate, deleted_at)
    values (p_tenant, p_directory, p_certificate, system.now());
    -- Nobody is its first Administrator (nobody has the nil id): it gets another workspace only once it is onboarded again. Its
    -- people who belong to other workspaces come in as before.
    update system.directories d
    set tenant_id = null, name = d.id::text, first_administrator = '00000000-0000-0000-0000-000000000000'
    where d.tenant_id = p_tenant;
    update system.tenants t set state = 'deleted', name = '' where t.id = p_tenant and t.state = 'purging';
    if not found then
        raise exception 'the workspace is not being purged';
    end if;
    delete from system.operations o where o.tenant_id = p_tenant;
end
$$;

revoke execute on function
    system.deletion_begin(text), system.deletion_undo(), system.deletion_fence(uuid), system.count_content(uuid),
    system.count_rows(uuid, text[]), system.purge_rows(uuid, text[]), system.bury(uuid, uuid, jsonb)
    from public;
grant execute on function system.deletion_begin(text), system.deletion_undo() to signalbox_tenants;

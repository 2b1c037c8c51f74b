-- Suspending and reactivating a workspace. A claim holds the workspace's shared lock while it reads the state; suspension takes
-- the exclusive one, so that no claim begun before it commits after it unseen.

-- Begins a suspension: from here no new claim is made. SB409 `workspace_state`: it is not active.
create function system.suspend_begin() returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not suspend';
    end if;
    perform pg_advisory_xact_lock(1, hashtext(v_tenant::text));
    update system.tenants t set state = 'suspending' where t.id = v_tenant and t.state = 'active';
    if not found then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
end
$$;

-- Makes a workspace active again, and what it owes due at once: messages that were refused meanwhile had been put off.
-- SB409 `operation_open`: something is being done to it; SB409 `workspace_state`: it is not suspended.
create function system.reactivate() returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not reactivate';
    end if;
    perform pg_advisory_xact_lock(1, hashtext(v_tenant::text));
    if exists (select from system.operations o where o.tenant_id = v_tenant and o.exclusive and o.finished_at is null) then
        raise exception using errcode = 'SB409', message = 'operation_open';
    end if;
    update system.tenants t set state = 'active' where t.id = v_tenant and t.state = 'suspended';
    if not found then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    update system.outbox o set resend_at = least(o.resend_at, greatest(o.available_at, system.now()))
    where o.tenant_id = v_tenant;
end
$$;

revoke execute on function system.suspend_begin(), system.reactivate() from public;
grant execute on function system.suspend_begin(), system.reactivate() to signalbox_tenants;

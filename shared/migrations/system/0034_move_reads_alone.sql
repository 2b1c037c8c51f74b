-- A move reads the workspace's state under the lock under which it changes: a reactivation that was under way as it was asked for
-- had ended, or is refused.
create or replace function system.move_ask(p_tenant uuid, p_id uuid, p_to text, p_audit uuid) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_placement text;
    v_state text;
begin
    -- The place before any other lock of it.
    perform pg_advisory_xact_lock_shared(6, hashtext(p_tenant::text));
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    select t.placement, t.state into v_placement, v_state from system.tenants t
    where t.id = p_tenant and t.state not in ('spare', 'provisioning', 'deleted');
    if v_placement is null then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    if v_placement = p_to or v_state not in ('active', 'suspended') then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    begin
        insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
        values (p_id, p_tenant, 'move', true, jsonb_build_object('to', p_to), system.now(), system.now());
    exception when unique_violation then
        raise exception using errcode = 'SB409', message = 'operation_open';
    end;
    perform system.write_platform_audit(p_tenant, p_audit, 'workspace.move', jsonb_build_object('to', p_to));
end
$$;

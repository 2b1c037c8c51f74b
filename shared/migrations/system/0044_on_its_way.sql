-- A workspace that has left one database and is not open in the other yet is nowhere to be entered.

-- Whoever waited for the workspace's place while it left for another database must not go on in what it has left: they try again,
-- and find it there. In its own schema its route is as it was, so its state has to be looked at.
create function system.not_moving(p_tenant uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from system.tenants t where t.id = p_tenant and t.state = 'provisioning' and t.claimed_at is not null) then
        raise exception using errcode = '40001', message = 'the workspace has just moved';
    end if;
end
$$;
revoke execute on function system.not_moving(uuid) from public;

create or replace function system.hold_route() returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(6, hashtext(current_setting('app.tenant_id')));
    perform system.tenant();
    perform system.not_moving(current_setting('app.tenant_id')::uuid);
end
$$;

create or replace function system.schema_held(p_tenant uuid) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
begin
    perform pg_advisory_xact_lock_shared(6, hashtext(p_tenant::text));
    perform system.not_moving(p_tenant);
    select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;
    return v_schema;
end
$$;

-- Nor is somebody who signs in meanwhile told that they are nobody.
do $$
declare
    v_text text;
    v_before constant text := $q$    if v_tenant is null then
        raise exception using errcode = 'SB403', message = 'no_role';$q$;
    v_changed bigint := 0;
begin
    for v_text in
        select pg_get_functiondef(p.oid) from pg_proc p
        where p.pronamespace = 'system'::regnamespace and p.proname = 'sign_in' and strpos(p.prosrc, v_before) > 0
    loop
        execute replace(v_text, v_before, '    if v_tenant is null then' || chr(10) || '        perform system.not_moving(v_dir.tenant_id);'
                                          || substring(v_before from strpos(v_before, chr(10))));
        v_changed := v_changed + 1;
    end loop;
    if v_changed <> 1 then
        raise exception 'system.sign_in is not as it was';
    end if;
end
$$;

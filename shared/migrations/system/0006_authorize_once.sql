-- A scope's session, person, membership and workspace are read once, and a role that cannot be compared is refused.
create or replace function system.authorize(p_session uuid, p_user uuid, p_tenant uuid, p_schema text, p_roles text[])
    returns table (user_id uuid, user_name text, role text, tenant_state text, at timestamptz)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_function text;
begin
    select l.function into v_function from system.logins l where l.name = session_user;
    if v_function is null or v_function in ('signin', 'scheduler') then
        raise exception using errcode = 'SB401', message = 'login may not enter a workspace';
    end if;
    at := system.now();

    if p_session is null then
        if v_function not in ('dispatcher', 'steward') then
            raise exception using errcode = 'SB401', message = 'a session is needed';
        end if;
        select 'worker', t.state into role, tenant_state
        from system.tenants t
        where t.id = p_tenant and t.schema_name = p_schema
          and t.state not in ('spare', 'provisioning', 'deleted');
        if not found then
            raise exception using errcode = 'SB404', message = 'no such workspace';
        end if;
        return next;
        return;
    end if;

    select u.id, u.display_name, m.role, t.state into user_id, user_name, role, tenant_state
    from system.sessions s
    join system.users u on u.id = s.user_id
    join system.memberships m on m.user_id = s.user_id and m.tenant_id = s.tenant_id and m.state = 'active'
    join system.tenants t on t.id = s.tenant_id
    where s.id = p_session and s.user_id = p_user and s.ended_at is null and s.expires_at > system.now()
      and t.id = p_tenant and t.schema_name = p_schema
      and t.state in ('active', 'suspending', 'suspended');
    if not found then
        raise exception using errcode = 'SB401', message = 'no such session';
    end if;
    if (role = any (p_roles)) is not true then
        raise exception using errcode = 'SB403', message = 'role may not do this';
    end if;
    return next;
end
$$;

-- Somebody with roles in several databases: a sign-in may name the workspace that it is for, wherever that is, and what somebody
-- has in a database is told to the portal.

-- Of the first database: where a workspace is (null: here, or nowhere), and whether the people of a directory come as a customer's.
-- SB403 blocked: who is kept out here is kept out everywhere.
create function system.way_to(p_provider text, p_directory uuid, p_open boolean, p_tenant uuid)
    returns table (database_name text, listed boolean)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_state text;
begin
    select d.state into v_state from system.directories d where d.provider = p_provider and d.id = p_directory;
    if v_state = 'blocked' then
        raise exception using errcode = 'SB403', message = 'blocked';
    end if;
    return query select system.home_of(p_tenant), v_state is not null or p_open;
end
$$;

-- A session in the one workspace that a sign-in is for, of somebody who is a member there; nobody is made anything by it. p_listed:
-- the first database's word on their directory; of others, guests come in. p_ids: new session, audit of the sign-in.
-- SB403 no_role: whether there is such a workspace is told to its members alone.
create function system.sign_in_to(
    p_tenant uuid, p_provider text, p_directory uuid, p_object uuid, p_display_name text, p_listed boolean,
    p_ids uuid[], p_lifetime interval, p_request_id text, p_source_address text
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz, claimed boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_user uuid;
    v_expires timestamptz := system.now() + p_lifetime;
begin
    select u.id into v_user
    from system.users u join system.memberships m on m.user_id = u.id
    where u.provider = p_provider and u.directory_id = p_directory and u.object_id = p_object
      and m.tenant_id = p_tenant and m.state = 'active' and (m.guest or p_listed);
    if v_user is not null then
        perform system.not_moving(p_tenant);
    end if;
    if v_user is null or not exists (
        select from system.tenants t where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting')
    ) then
        raise exception using errcode = 'SB403', message = 'no_role';
    end if;
    update system.users u set display_name = left(p_display_name, 200)
    where u.id = v_user and u.display_name <> left(p_display_name, 200);
    insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
    values (p_ids[1], v_user, p_tenant, system.now(), v_expires);
    perform system.write_audit(p_tenant, p_ids[2], v_user, p_display_name, 'session.start', 'session', p_ids[1],
                               p_request_id, p_source_address);
    return query
        select p_ids[1], v_user, t.id, t.schema_name, coalesce(m.role_id::text, m.role), v_expires, false
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = p_tenant;
end
$$;

-- Every workspace of a person in this database. The portal asks it of the other databases, where its session is nobody's, and reads
-- who somebody is in the database of their session.
create function system.workspaces_of_person(p_provider text, p_directory uuid, p_object uuid)
    returns table (id uuid, name text, state text, role text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.name, t.state, coalesce(m.role_id::text, m.role)
    from system.users u
    join system.memberships m on m.user_id = u.id and m.state = 'active'
    join system.tenants t on t.id = m.tenant_id and t.state in ('active', 'suspending', 'suspended', 'deleting')
    where u.provider = p_provider and u.directory_id = p_directory and u.object_id = p_object
    order by t.name, t.id
$$;

revoke execute on function
    system.way_to(text, uuid, boolean, uuid),
    system.sign_in_to(uuid, text, uuid, uuid, text, boolean, uuid[], interval, text, text),
    system.workspaces_of_person(text, uuid, uuid)
    from public;
grant execute on function
    system.way_to(text, uuid, boolean, uuid),
    system.sign_in_to(uuid, text, uuid, uuid, text, boolean, uuid[], interval, text, text)
    to system_signin;
grant execute on function system.workspaces_of_person(text, uuid, uuid) to system_portal;

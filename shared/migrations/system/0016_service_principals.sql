-- Service principals: applications of a workspace's own directory, added by object id, that come with their directory's token.
-- An Administrator is a person: a workspace that only programs administer would be out of anybody's reach.
alter table system.memberships add column service boolean not null default false;
alter table system.memberships add constraint memberships_service check (not (service and role = 'administrator'));

create function system.people(p_after uuid, p_limit integer)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, service boolean, role text, role_name text,
                   version integer, created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id, m.service,
           coalesce(m.role_id::text, m.role), coalesce(r.name, m.role), m.version, m.created_at, m.updated_at
    from system.memberships m
    join system.users u on u.id = m.user_id
    left join system.roles r on r.tenant_id = m.tenant_id and r.id = m.role_id
    where m.tenant_id = system.tenant() and m.state = 'active' and (p_after is null or u.id < p_after)
    order by u.id desc limit p_limit
$$;

create function system.person(p_user uuid)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, service boolean, role text, role_name text,
                   version integer, created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id, m.service,
           coalesce(m.role_id::text, m.role), coalesce(r.name, m.role), m.version, m.created_at, m.updated_at
    from system.memberships m
    join system.users u on u.id = m.user_id
    left join system.roles r on r.tenant_id = m.tenant_id and r.id = m.role_id
    where m.tenant_id = system.tenant() and m.state = 'active' and u.id = p_user
$$;

-- Adds a person or a service principal, or brings a removed one back as what is said now. A service principal is of the
-- workspace's own directory, else SB404. SB409: already a member.
create function system.member_add(p_user uuid, p_directory uuid, p_object uuid, p_role text, p_service boolean) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
    v_user uuid;
begin
    if p_service and not exists (
        select from system.directories d where d.tenant_id = v_tenant and d.id = p_directory and d.provider = 'entra'
    ) then
        raise exception using errcode = 'SB404', message = 'not the directory of this workspace';
    end if;
    -- A removed Administrator comes back as what is said now: both change in one statement below.
    update system.memberships m set role = 'operator', role_id = null, guest = false, service = p_service
    from system.users u
    where u.provider = 'entra' and u.directory_id = p_directory and u.object_id = p_object
      and m.tenant_id = v_tenant and m.user_id = u.id and m.state <> 'active';
    v_user := system.member_add(p_user, p_directory, p_object, p_role);
    update system.memberships m set service = p_service
    where m.tenant_id = v_tenant and m.user_id = v_user and m.service <> p_service;
    return v_user;
end
$$;

-- A session for a service principal whose directory's token was verified: in the workspace of its directory, if it was added there
-- as one, until its token ends and for an hour at most. It is never made a member by coming. SB403 otherwise.
-- p_ids: new session, audit.
create function system.sign_in_service(
    p_provider text, p_directory uuid, p_object uuid, p_display_name text, p_ids uuid[], p_lifetime interval,
    p_request_id text, p_source_address text
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz, claimed boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_user uuid;
    v_tenant uuid;
    v_expires timestamptz := system.now() + least(p_lifetime, interval '1 hour');
begin
    select u.id, t.id into v_user, v_tenant
    from system.directories d
    join system.tenants t on t.id = d.tenant_id and t.state in ('active', 'suspending', 'suspended')
    join system.users u on u.provider = d.provider and u.directory_id = d.id and u.object_id = p_object
    join system.memberships m on m.tenant_id = t.id and m.user_id = u.id and m.state = 'active' and m.service
    where d.provider = p_provider and d.id = p_directory and d.state = 'onboarded';
    if v_user is null then
        raise exception using errcode = 'SB403', message = 'no_role';
    end if;
    update system.users u set display_name = left(p_display_name, 200)
    where u.id = v_user and u.display_name <> left(p_display_name, 200);
    insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
    values (p_ids[1], v_user, v_tenant, system.now(), v_expires);
    perform system.write_audit(v_tenant, p_ids[2], v_user, p_display_name, 'session.start', 'session', p_ids[1],
                               p_request_id, p_source_address);
    return query
        select p_ids[1], v_user, t.id, t.schema_name, coalesce(m.role_id::text, m.role), v_expires, false
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = v_tenant;
end
$$;

-- A service principal makes no API tokens: its directory is to stay the one that ends it.
create or replace function system.api_token_insert(p_id uuid, p_user uuid, p_hash bytea, p_name text, p_permissions text[], p_lifetime interval) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    if exists (select from system.memberships m where m.tenant_id = v_tenant and m.user_id = p_user and m.service) then
        raise exception using errcode = 'SB403', message = 'no tokens for service principals';
    end if;
    delete from system.api_tokens k
    where k.tenant_id = v_tenant and least(k.ended_at, k.expires_at) < system.now() - interval '30 days';
    if (select count(*) from system.api_tokens k
        where k.tenant_id = v_tenant and k.user_id = p_user and k.ended_at is null and k.expires_at > system.now()) >= 50 then
        raise exception using errcode = 'SB409', message = 'limit';
    end if;
    insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
    values (v_tenant, p_id, p_user, p_hash, p_name, p_permissions, system.now(), system.now() + p_lifetime);
end
$$;

revoke execute on function
    system.people(uuid, integer), system.person(uuid), system.member_add(uuid, uuid, uuid, text, boolean),
    system.sign_in_service(text, uuid, uuid, text, uuid[], interval, text, text)
    from public;
grant execute on function
    system.people(uuid, integer), system.person(uuid), system.member_add(uuid, uuid, uuid, text, boolean)
    to signalbox_tenants;
grant execute on function system.sign_in_service(text, uuid, uuid, text, uuid[], interval, text, text) to system_signin;

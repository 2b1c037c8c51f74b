-- Roles that a workspace makes for itself: named sets of permissions. A membership has a built-in role, or `custom` and one of these.
-- To the release before this one a custom role may do nothing: it knows no role of that name.
create table system.roles (
    tenant_id uuid not null references system.tenants (id),
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    permissions text[] not null check (cardinality(permissions) between 1 and 100),
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);
create unique index roles_name on system.roles (tenant_id, lower(name));
alter table system.roles enable row level security;
create policy own on system.roles to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

alter table system.memberships add column role_id uuid;
alter table system.memberships add constraint memberships_role_id
    foreign key (tenant_id, role_id) references system.roles (tenant_id, id);
alter table system.memberships drop constraint memberships_role_check;
alter table system.memberships add constraint memberships_role_check
    check (role in ('administrator', 'operator', 'custom') and (role = 'custom') = (role_id is not null));
create index memberships_custom on system.memberships (tenant_id, role_id) where role_id is not null;

-- People, roles and tokens are managed through the portal alone, though every function's login can become a tenant's role.
create function system.portal_only() returns void
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not manage people';
    end if;
end
$$;

-- Changes to the people of one workspace queue here, so that no two of them pass a limit together.
create function system.people_lock() returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    perform system.portal_only();
    perform pg_advisory_xact_lock(2, hashtext(v_tenant::text));
    return v_tenant;
end
$$;

create function system.custom_roles(p_after uuid, p_limit integer)
    returns table (id uuid, name text, permissions text[], version integer, created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select r.id, r.name, r.permissions, r.version, r.created_at, r.updated_at
    from system.roles r
    where r.tenant_id = system.tenant() and r.id < p_after
    order by r.id desc limit p_limit
$$;

create function system.custom_role(p_id uuid)
    returns table (id uuid, name text, permissions text[], version integer, created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select r.id, r.name, r.permissions, r.version, r.created_at, r.updated_at
    from system.roles r
    where r.tenant_id = system.tenant() and r.id = p_id
$$;

-- SB409 limit: a workspace has 50 roles of its own at most.
create function system.role_insert(p_id uuid, p_name text, p_permissions text[]) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    if (select count(*) from system.roles r where r.tenant_id = v_tenant) >= 50 then
        raise exception using errcode = 'SB409', message = 'limit';
    end if;
    insert into system.roles (tenant_id, id, name, permissions, created_at, updated_at)
    values (v_tenant, p_id, p_name, p_permissions, system.now(), system.now());
end
$$;

-- False: no such role, or another version.
create function system.role_update(p_id uuid, p_version integer, p_name text, p_permissions text[]) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    update system.roles r
    set name = p_name, permissions = p_permissions, version = r.version + 1, updated_at = system.now()
    where r.tenant_id = v_tenant and r.id = p_id and r.version = p_version;
    return found;
end
$$;

-- SB409 in_use: a member has it. Who was removed had it, and comes back with another.
create function system.role_delete(p_id uuid, p_version integer) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    if exists (select from system.memberships m where m.tenant_id = v_tenant and m.role_id = p_id and m.state = 'active') then
        raise exception using errcode = 'SB409', message = 'in_use';
    end if;
    update system.memberships m set role = 'operator', role_id = null
    where m.tenant_id = v_tenant and m.role_id = p_id and m.state = 'removed';
    delete from system.roles r where r.tenant_id = v_tenant and r.id = p_id and r.version = p_version;
    return found;
end
$$;

-- A role as the API names it: `administrator`, `operator`, or the id of one of the workspace's own.
create or replace function system.members(p_after uuid, p_limit integer)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id,
           coalesce(m.role_id::text, m.role), m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and (p_after is null or u.id < p_after)
    order by u.id desc limit p_limit
$$;

create or replace function system.member(p_user uuid)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id,
           coalesce(m.role_id::text, m.role), m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and u.id = p_user
$$;

create or replace function system.workspaces_of(p_session uuid) returns table (id uuid, name text, state text, role text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.name, t.state, coalesce(m.role_id::text, m.role)
    from system.sessions s
    join system.memberships m on m.user_id = s.user_id and m.state = 'active'
    join system.tenants t on t.id = m.tenant_id and t.state in ('active', 'suspending', 'suspended')
    where s.id = p_session and s.tenant_id = system.tenant() and s.ended_at is null
    order by t.name, t.id
$$;

-- The custom role's id behind a role's name in the API; null for a built-in one.
create function system.role_id_of(p_role text) returns uuid
    language sql immutable security definer
    set search_path = pg_catalog, pg_temp
    as $$ select case when p_role in ('administrator', 'operator') then null else p_role::uuid end $$;

-- Adds a person of any directory by object id, or brings a removed one back. SB409: already a member.
create or replace function system.member_add(p_user uuid, p_directory uuid, p_object uuid, p_role text) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
    v_role_id uuid := system.role_id_of(p_role);
    v_user uuid;
begin
    insert into system.users as u (id, provider, directory_id, object_id, created_at)
    values (p_user, 'entra', p_directory, p_object, system.now())
    on conflict (provider, directory_id, object_id) do update set object_id = excluded.object_id
    returning u.id into v_user;
    if exists (select from system.memberships m where m.tenant_id = v_tenant and m.user_id = v_user and m.state = 'active') then
        raise exception using errcode = 'SB409', message = 'already a member';
    end if;
    insert into system.memberships as m (tenant_id, user_id, role, role_id, created_at, updated_at)
    values (v_tenant, v_user, case when v_role_id is null then p_role else 'custom' end, v_role_id, system.now(), system.now())
    on conflict (tenant_id, user_id) do update
        set role = excluded.role, role_id = excluded.role_id, state = 'active', version = m.version + 1, updated_at = system.now();
    return v_user;
end
$$;

-- Changes a role (p_role) or removes a member (p_role null), whose sessions here end with it. SB409: the last Administrator stays.
-- False: no such member or version.
create or replace function system.member_change(p_user uuid, p_version integer, p_role text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
    v_role_id uuid := system.role_id_of(p_role);
begin
    if p_role is null then
        update system.memberships m set state = 'removed', version = m.version + 1, updated_at = system.now()
        where m.tenant_id = v_tenant and m.user_id = p_user and m.state = 'active' and (p_version is null or m.version = p_version);
    else
        update system.memberships m
        set role = case when v_role_id is null then p_role else 'custom' end, role_id = v_role_id,
            version = m.version + 1, updated_at = system.now()
        where m.tenant_id = v_tenant and m.user_id = p_user and m.state = 'active' and (p_version is null or m.version = p_version);
    end if;
    if not found then
        return false;
    end if;
    if p_role is null then
        update system.sessions s set ended_at = system.now()
        where s.user_id = p_user and s.tenant_id = v_tenant and s.ended_at is null;
    end if;
    if not exists (select from system.memberships m
                   where m.tenant_id = v_tenant and m.state = 'active' and m.role = 'administrator') then
        raise exception using errcode = 'SB409', message = 'last_administrator';
    end if;
    return true;
end
$$;

-- Moves a live session's person to another of their workspaces: a new session, the old one ended. Foreign = absent (SB404).
create or replace function system.switch_session(
    p_session uuid, p_tenant uuid, p_new_session uuid, p_audit_id uuid, p_request_id text, p_source_address text
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_user uuid;
    v_expires timestamptz;
begin
    select s.user_id, s.expires_at into v_user, v_expires from system.sessions s
    where s.id = p_session and s.ended_at is null and s.expires_at > system.now() for update;
    if v_user is null then
        raise exception using errcode = 'SB401', message = 'no such session';
    end if;
    if not exists (
        select from system.memberships m join system.tenants t on t.id = m.tenant_id
        where m.user_id = v_user and m.tenant_id = p_tenant and m.state = 'active'
          and t.state in ('active', 'suspending', 'suspended')
    ) then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    update system.sessions s set ended_at = system.now() where s.id = p_session;
    insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
    values (p_new_session, v_user, p_tenant, system.now(), v_expires);
    perform system.write_audit(p_tenant, p_audit_id, v_user, u.display_name, 'session.switch', 'session', p_new_session,
                               p_request_id, p_source_address)
    from system.users u where u.id = v_user;
    return query
        select p_new_session, v_user, t.id, t.schema_name, coalesce(m.role_id::text, m.role), v_expires
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = p_tenant;
end
$$;

revoke execute on function
    system.portal_only(), system.people_lock(), system.role_id_of(text), system.custom_roles(uuid, integer), system.custom_role(uuid),
    system.role_insert(uuid, text, text[]), system.role_update(uuid, integer, text, text[]), system.role_delete(uuid, integer)
    from public;
grant execute on function
    system.custom_roles(uuid, integer), system.custom_role(uuid), system.role_insert(uuid, text, text[]),
    system.role_update(uuid, integer, text, text[]), system.role_delete(uuid, integer)
    to signalbox_tenants;

-- Signing in, switching, signing out; and a workspace's members, seen from inside its scope.

-- Writes one audit row into a workspace from outside its scope: sign-in acts before any scope is open.
create function system.write_audit(
    p_tenant uuid, p_id uuid, p_actor uuid, p_actor_name text, p_action text, p_target_kind text, p_target uuid,
    p_request_id text, p_source_address text
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
begin
    select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;
    perform set_config('app.tenant_id', p_tenant::text, true);
    execute format(
        'insert into %I.audit (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, request_id, source_address)
         values ($1, system.now(), ''user'', $2, $3, $4, $5, $6, $7, $8)', v_schema)
    using p_id, p_actor, p_actor_name, p_action, p_target_kind, p_target, p_request_id, p_source_address;
    perform set_config('app.tenant_id', '', true);
end
$$;

-- One sign-in, whole: person, first workspace of the directory where there is none, membership, session, audit.
-- p_ids: new user, new session, audit of the claim, audit of the sign-in. Refuses with SB403 (not_onboarded, no_role), SB503 (no_spare).
create function system.sign_in(
    p_provider text, p_directory uuid, p_object uuid, p_display_name text, p_open boolean,
    p_ids uuid[], p_lifetime interval, p_request_id text, p_source_address text
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz, claimed boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_dir system.directories%rowtype;
    v_user uuid;
    v_tenant uuid;
    v_claimed boolean := false;
    v_expires timestamptz := system.now() + p_lifetime;
begin
    select d.* into v_dir from system.directories d where d.provider = p_provider and d.id = p_directory;
    if not found and p_open then
        insert into system.directories (provider, id, name, created_at)
        values (p_provider, p_directory, p_directory::text, system.now()) on conflict do nothing;
        select d.* into v_dir from system.directories d where d.provider = p_provider and d.id = p_directory;
    end if;
    if v_dir.id is null or v_dir.state <> 'onboarded' then
        raise exception using errcode = 'SB403', message = 'not_onboarded';
    end if;

    insert into system.users as u (id, provider, directory_id, object_id, display_name, created_at)
    values (p_ids[1], p_provider, p_directory, p_object, left(p_display_name, 200), system.now())
    on conflict (provider, directory_id, object_id) do update set display_name = excluded.display_name
    returning u.id into v_user;

    if v_dir.tenant_id is null then
        -- The directory's row is the queue of first sign-ins: one claims, the others see what it claimed.
        select d.* into v_dir from system.directories d
        where d.provider = p_provider and d.id = p_directory for update;
        if v_dir.tenant_id is null and (v_dir.first_administrator = p_object or (v_dir.first_administrator is null and p_open)) then
            update system.tenants t set state = 'active', name = v_dir.name, claimed_at = system.now()
            where t.id = (select s.id from system.tenants s where s.state = 'spare'
                          order by s.created_at limit 1 for update skip locked)
            returning t.id into v_tenant;
            if v_tenant is null then
                raise exception using errcode = 'SB503', message = 'no_spare';
            end if;
            update system.directories d set tenant_id = v_tenant where d.provider = p_provider and d.id = p_directory;
            insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
            values (v_tenant, v_user, 'administrator', system.now(), system.now());
            v_claimed := true;
            perform system.write_audit(v_tenant, p_ids[3], v_user, p_display_name, 'workspace.provision', 'workspace', v_tenant,
                                       p_request_id, p_source_address);
        end if;
    end if;

    -- The directory's own workspace first, then the one joined last.
    select m.tenant_id into v_tenant
    from system.memberships m join system.tenants t on t.id = m.tenant_id
    where m.user_id = v_user and m.state = 'active' and t.state in ('active', 'suspending', 'suspended')
    order by (m.tenant_id = v_dir.tenant_id) desc nulls last, m.created_at desc limit 1;
    if v_tenant is null then
        raise exception using errcode = 'SB403', message = 'no_role';
    end if;

    insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
    values (p_ids[2], v_user, v_tenant, system.now(), v_expires);
    perform system.write_audit(v_tenant, p_ids[4], v_user, p_display_name, 'session.start', 'session', p_ids[2],
                               p_request_id, p_source_address);

    return query
        select p_ids[2], v_user, t.id, t.schema_name, m.role, v_expires, v_claimed
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = v_tenant;
end
$$;

-- Ends a session; ending one twice, or one that never was, is no error.
create function system.sign_out(p_session uuid, p_audit_id uuid, p_request_id text, p_source_address text) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_user uuid;
begin
    update system.sessions s set ended_at = system.now()
    where s.id = p_session and s.ended_at is null
    returning s.tenant_id, s.user_id into v_tenant, v_user;
    if v_tenant is not null then
        perform system.write_audit(v_tenant, p_audit_id, v_user, u.display_name, 'session.end', 'session', p_session,
                                   p_request_id, p_source_address)
        from system.users u where u.id = v_user;
    end if;
end
$$;

-- Moves a live session's person to another of their workspaces: a new session, the old one ended. Foreign = absent (SB404).
create function system.switch_session(
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
        select p_new_session, v_user, t.id, t.schema_name, m.role, v_expires
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = p_tenant;
end
$$;

-- The current workspace: its name and state.
create function system.workspace() returns table (id uuid, name text, state text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$ select t.id, t.name, t.state from system.tenants t where t.id = system.tenant() $$;

-- Every workspace a member of this one belongs to; called for oneself, so the session names the person.
create function system.workspaces_of(p_session uuid) returns table (id uuid, name text, state text, role text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.name, t.state, m.role
    from system.sessions s
    join system.memberships m on m.user_id = s.user_id and m.state = 'active'
    join system.tenants t on t.id = m.tenant_id and t.state in ('active', 'suspending', 'suspended')
    where s.id = p_session and s.tenant_id = system.tenant() and s.ended_at is null
    order by t.name, t.id
$$;

create function system.members(p_after uuid, p_limit integer)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, u.display_name, u.directory_id, u.object_id, m.role, m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and (p_after is null or u.id < p_after)
    order by u.id desc limit p_limit
$$;

create function system.member(p_user uuid)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, u.display_name, u.directory_id, u.object_id, m.role, m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and u.id = p_user
$$;

-- Adds a person of any directory by object id, or brings a removed one back. SB409: already a member.
create function system.member_add(p_user uuid, p_directory uuid, p_object uuid, p_role text) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_user uuid;
begin
    insert into system.users as u (id, provider, directory_id, object_id, created_at)
    values (p_user, 'entra', p_directory, p_object, system.now())
    on conflict (provider, directory_id, object_id) do update set object_id = excluded.object_id
    returning u.id into v_user;
    if exists (select from system.memberships m where m.tenant_id = v_tenant and m.user_id = v_user and m.state = 'active') then
        raise exception using errcode = 'SB409', message = 'already a member';
    end if;
    insert into system.memberships as m (tenant_id, user_id, role, created_at, updated_at)
    values (v_tenant, v_user, p_role, system.now(), system.now())
    on conflict (tenant_id, user_id) do update
        set role = excluded.role, state = 'active', version = m.version + 1, updated_at = system.now();
    return v_user;
end
$$;

-- Changes a role (p_role) or removes a member (p_role null). SB409: the last Administrator stays. False: no such member or version.
create function system.member_change(p_user uuid, p_version integer, p_role text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    -- Demotions of one workspace queue here, so that two at once cannot leave it without an Administrator.
    perform pg_advisory_xact_lock(2, hashtext(v_tenant::text));
    update system.memberships m
    set role = coalesce(p_role, m.role), state = case when p_role is null then 'removed' else 'active' end,
        version = m.version + 1, updated_at = system.now()
    where m.tenant_id = v_tenant and m.user_id = p_user and m.state = 'active' and (p_version is null or m.version = p_version);
    if not found then
        return false;
    end if;
    if not exists (select from system.memberships m
                   where m.tenant_id = v_tenant and m.state = 'active' and m.role = 'administrator') then
        raise exception using errcode = 'SB409', message = 'last_administrator';
    end if;
    return true;
end
$$;

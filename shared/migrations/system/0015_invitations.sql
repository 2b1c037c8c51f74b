-- Invitations: a secret link, good once, that gives whoever signs in with it a role in a workspace. Only a hash is kept.
create table system.invitations (
    tenant_id uuid not null references system.tenants (id),
    id uuid not null,
    hash bytea not null unique check (length(hash) = 32),
    role text not null check (role in ('administrator', 'operator', 'custom')),
    role_id uuid,
    directory_id uuid,
    object_id uuid,
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    accepted_by uuid references system.users (id),
    primary key (tenant_id, id),
    foreign key (tenant_id, created_by) references system.memberships (tenant_id, user_id),
    foreign key (tenant_id, role_id) references system.roles (tenant_id, id) on delete set null (role_id),
    check (object_id is null or directory_id is not null),
    check (role_id is null or role = 'custom')
);
create index invitations_open on system.invitations (tenant_id, id) where ended_at is null;
alter table system.invitations enable row level security;
create policy own on system.invitations to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Came by an invitation that names their directory: they may sign in though it is not on the list of customers.
alter table system.memberships add column guest boolean not null default false;

create function system.invitations(p_after uuid, p_limit integer)
    returns table (id uuid, role text, directory_id uuid, object_id uuid, created_by uuid, created_at timestamptz, expires_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select i.id, coalesce(i.role_id::text, i.role), i.directory_id, i.object_id, i.created_by, i.created_at, i.expires_at
    from system.invitations i
    where i.tenant_id = system.tenant() and i.ended_at is null and i.id < p_after
    order by i.id desc limit p_limit
$$;

create function system.invitation(p_id uuid)
    returns table (id uuid, role text, directory_id uuid, object_id uuid, created_by uuid, created_at timestamptz, expires_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select i.id, coalesce(i.role_id::text, i.role), i.directory_id, i.object_id, i.created_by, i.created_at, i.expires_at
    from system.invitations i
    where i.tenant_id = system.tenant() and i.ended_at is null and i.id = p_id
$$;

-- SB409 limit: a workspace has 200 open invitations at most. What ended a month ago is forgotten on the way.
create function system.invitation_insert(
    p_id uuid, p_hash bytea, p_role text, p_directory uuid, p_object uuid, p_by uuid, p_lifetime interval
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
    v_role_id uuid := system.role_id_of(p_role);
begin
    delete from system.invitations i
    where i.tenant_id = v_tenant and least(i.ended_at, i.expires_at) < system.now() - interval '30 days';
    if (select count(*) from system.invitations i
        where i.tenant_id = v_tenant and i.ended_at is null and i.expires_at > system.now()) >= 200 then
        raise exception using errcode = 'SB409', message = 'limit';
    end if;
    insert into system.invitations (tenant_id, id, hash, role, role_id, directory_id, object_id, created_by, created_at, expires_at)
    values (v_tenant, p_id, p_hash, case when v_role_id is null then p_role else 'custom' end, v_role_id, p_directory, p_object,
            p_by, system.now(), system.now() + p_lifetime);
end
$$;

-- Revokes. False: none of that id is open.
create function system.invitation_end(p_id uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    update system.invitations i set ended_at = system.now()
    where i.tenant_id = v_tenant and i.id = p_id and i.ended_at is null;
    return found;
end
$$;

-- Whether whoever made an invitation could make it now: a member whose role gives users.write and all that the invitation gives.
-- p_operator: what an operator may, which the code knows.
create function system.invitation_stands(p_invitation system.invitations, p_operator text[]) returns boolean
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from system.memberships m
        left join system.roles r on r.tenant_id = m.tenant_id and r.id = m.role_id
        left join system.roles g on g.tenant_id = p_invitation.tenant_id and g.id = p_invitation.role_id
        where m.tenant_id = p_invitation.tenant_id and m.user_id = p_invitation.created_by and m.state = 'active'
          and (p_invitation.role <> 'custom' or g.id is not null)
          and (m.role = 'administrator'
               or ('users.write' = any (r.permissions) and p_invitation.role <> 'administrator'
                   and coalesce(g.permissions, p_operator) <@ r.permissions))
    )
$$;

-- A sign-in with an invitation (p_hash), or without one of somebody who came by one and whose directory is not on the list.
-- p_ids: new user, new session, audit of the acceptance, audit of the sign-in. Every invitation that does not hold is refused alike:
-- SB403 invitation. A member who opens one is signed in; their role stays as it is, and the invitation unused.
create function system.sign_in_guest(
    p_provider text, p_directory uuid, p_object uuid, p_display_name text, p_open boolean, p_hash bytea, p_operator text[],
    p_ids uuid[], p_lifetime interval, p_request_id text, p_source_address text
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz, claimed boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_state text;
    v_it system.invitations%rowtype;
    v_user uuid;
    v_tenant uuid;
    v_expires timestamptz := system.now() + p_lifetime;
begin
    select d.state into v_state from system.directories d where d.provider = p_provider and d.id = p_directory;
    if v_state = 'blocked' then
        raise exception using errcode = 'SB403', message = 'not_onboarded';
    end if;
    select u.id into v_user from system.users u
    where u.provider = p_provider and u.directory_id = p_directory and u.object_id = p_object;

    if p_hash is null then
        select m.tenant_id into v_tenant
        from system.memberships m join system.tenants t on t.id = m.tenant_id
        where m.user_id = v_user and m.state = 'active' and m.guest and t.state in ('active', 'suspending', 'suspended')
        order by m.created_at desc limit 1;
        if v_tenant is null then
            raise exception using errcode = 'SB403', message = 'not_onboarded';
        end if;
    else
        -- Two who open the same link wait for each other here.
        select i.* into v_it from system.invitations i where i.hash = p_hash for update;
        if v_it.id is null or v_it.ended_at is not null or v_it.expires_at <= system.now()
           or v_it.directory_id <> p_directory or v_it.object_id <> p_object
           or (v_it.directory_id is null and v_state is null and not p_open)
           or not exists (select from system.tenants t where t.id = v_it.tenant_id and t.state = 'active')
           or not system.invitation_stands(v_it, p_operator) then
            raise exception using errcode = 'SB403', message = 'invitation';
        end if;
        v_tenant := v_it.tenant_id;
    end if;

    insert into system.users as u (id, provider, directory_id, object_id, display_name, created_at)
    values (p_ids[1], p_provider, p_directory, p_object, left(p_display_name, 200), system.now())
    on conflict (provider, directory_id, object_id) do update set display_name = excluded.display_name
    returning u.id into v_user;

    if p_hash is not null and not exists (
        select from system.memberships m where m.tenant_id = v_tenant and m.user_id = v_user and m.state = 'active'
    ) then
        insert into system.memberships as m (tenant_id, user_id, role, role_id, guest, created_at, updated_at)
        values (v_tenant, v_user, v_it.role, v_it.role_id, v_it.directory_id is not null, system.now(), system.now())
        on conflict on constraint memberships_pkey do update
            set role = excluded.role, role_id = excluded.role_id, guest = excluded.guest, state = 'active',
                version = m.version + 1, updated_at = system.now();
        update system.invitations i set ended_at = system.now(), accepted_by = v_user
        where i.tenant_id = v_tenant and i.id = v_it.id;
        perform system.write_audit(v_tenant, p_ids[3], v_user, p_display_name, 'invitation.accept', 'invitation', v_it.id,
                                   p_request_id, p_source_address);
    end if;

    insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
    values (p_ids[2], v_user, v_tenant, system.now(), v_expires);
    perform system.write_audit(v_tenant, p_ids[4], v_user, p_display_name, 'session.start', 'session', p_ids[2],
                               p_request_id, p_source_address);
    return query
        select p_ids[2], v_user, t.id, t.schema_name, coalesce(m.role_id::text, m.role), v_expires, false
        from system.tenants t join system.memberships m on m.tenant_id = t.id and m.user_id = v_user
        where t.id = v_tenant;
end
$$;

-- SB409 in_use: a member has it, or an invitation that is open gives it.
create or replace function system.role_delete(p_id uuid, p_version integer) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    if exists (select from system.memberships m where m.tenant_id = v_tenant and m.role_id = p_id and m.state = 'active')
       or exists (select from system.invitations i
                  where i.tenant_id = v_tenant and i.role_id = p_id and i.ended_at is null and i.expires_at > system.now()) then
        raise exception using errcode = 'SB409', message = 'in_use';
    end if;
    update system.memberships m set role = 'operator', role_id = null
    where m.tenant_id = v_tenant and m.role_id = p_id and m.state = 'removed';
    delete from system.roles r where r.tenant_id = v_tenant and r.id = p_id and r.version = p_version;
    return found;
end
$$;

revoke execute on function
    system.invitations(uuid, integer), system.invitation(uuid), system.invitation_end(uuid),
    system.invitation_insert(uuid, bytea, text, uuid, uuid, uuid, interval), system.invitation_stands(system.invitations, text[]),
    system.sign_in_guest(text, uuid, uuid, text, boolean, bytea, text[], uuid[], interval, text, text)
    from public;
grant execute on function
    system.invitations(uuid, integer), system.invitation(uuid), system.invitation_end(uuid),
    system.invitation_insert(uuid, bytea, text, uuid, uuid, uuid, interval)
    to signalbox_tenants;
grant execute on function
    system.sign_in_guest(text, uuid, uuid, text, boolean, bytea, text[], uuid[], interval, text, text)
    to system_signin;

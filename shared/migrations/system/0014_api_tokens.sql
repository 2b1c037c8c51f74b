-- API tokens: what a member's programs show in place of a session. Only a hash is kept; a token gives its scope as far as its
-- maker still has it.
create table system.api_tokens (
    tenant_id uuid not null references system.tenants (id),
    id uuid not null,
    user_id uuid not null,
    hash bytea not null unique check (length(hash) = 32),
    name text not null check (length(name) between 1 and 100),
    permissions text[] not null check (cardinality(permissions) between 1 and 100),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    ended_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references system.memberships (tenant_id, user_id)
);
create index api_tokens_user on system.api_tokens (tenant_id, user_id) where ended_at is null;
alter table system.api_tokens enable row level security;
create policy own on system.api_tokens to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Opens every tenant transaction: the only thing a login may execute. For a person it takes a session or a token's hash, and
-- decides by permission: a built-in role is one of p_roles, those that have it; a custom role is looked up. `signed_in` asks for
-- membership alone. Without either it answers for a worker, which only the dispatcher's and the steward's logins may be.
-- The release before calls the function of five arguments; this one stands beside it.
create function system.authorize(
    p_session uuid, p_token bytea, p_user uuid, p_tenant uuid, p_schema text, p_permission text, p_roles text[]
) returns table (user_id uuid, user_name text, role text, role_name text, permissions text, token_id uuid, token_name text,
                 token_scope text, tenant_state text, at timestamptz)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_function text;
    v_role_id uuid;
    v_given text[];
    v_scope text[];
begin
    select l.function into v_function from system.logins l where l.name = session_user;
    if v_function is null or v_function in ('signin', 'scheduler') then
        raise exception using errcode = 'SB401', message = 'login may not enter a workspace';
    end if;
    at := system.now();

    if p_session is not null then
        select u.id, u.display_name, m.role, m.role_id, t.state into user_id, user_name, role, v_role_id, tenant_state
        from system.sessions s
        join system.users u on u.id = s.user_id
        join system.memberships m on m.user_id = s.user_id and m.tenant_id = s.tenant_id and m.state = 'active'
        join system.tenants t on t.id = s.tenant_id
        where s.id = p_session and s.user_id = p_user and s.ended_at is null and s.expires_at > system.now()
          and t.id = p_tenant and t.schema_name = p_schema
          and t.state in ('active', 'suspending', 'suspended');
    elsif p_token is not null then
        select u.id, u.display_name, m.role, m.role_id, t.state, k.id, k.name, k.permissions
        into user_id, user_name, role, v_role_id, tenant_state, token_id, token_name, v_scope
        from system.api_tokens k
        join system.users u on u.id = k.user_id
        join system.memberships m on m.user_id = k.user_id and m.tenant_id = k.tenant_id and m.state = 'active'
        join system.tenants t on t.id = k.tenant_id
        where k.hash = p_token and k.user_id = p_user and k.ended_at is null and k.expires_at > system.now()
          and t.id = p_tenant and t.schema_name = p_schema
          and t.state in ('active', 'suspending', 'suspended');
        token_scope := array_to_string(v_scope, ',');
    else
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
    if user_id is null then
        raise exception using errcode = 'SB401', message = 'no such session';
    end if;

    if v_role_id is not null then
        select r.id::text, r.name, r.permissions into role, role_name, v_given
        from system.roles r where r.tenant_id = p_tenant and r.id = v_role_id;
        permissions := array_to_string(v_given, ',');
    end if;
    if p_permission = 'signed_in' then
        return next;
        return;
    end if;
    if (case when v_role_id is null then role = any (p_roles) else p_permission = any (v_given) end) is not true
       or (token_id is not null and (p_permission = any (v_scope)) is not true) then
        raise exception using errcode = 'SB403', message = 'role may not do this';
    end if;
    return next;
end
$$;

create function system.api_tokens(p_user uuid, p_after uuid, p_limit integer)
    returns table (id uuid, user_id uuid, name text, permissions text[], created_at timestamptz, expires_at timestamptz, last_used_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select k.id, k.user_id, k.name, k.permissions, k.created_at, k.expires_at, k.last_used_at
    from system.api_tokens k
    where k.tenant_id = system.tenant() and k.ended_at is null and (p_user is null or k.user_id = p_user) and k.id < p_after
    order by k.id desc limit p_limit
$$;

create function system.api_token(p_user uuid, p_id uuid)
    returns table (id uuid, user_id uuid, name text, permissions text[], created_at timestamptz, expires_at timestamptz, last_used_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select k.id, k.user_id, k.name, k.permissions, k.created_at, k.expires_at, k.last_used_at
    from system.api_tokens k
    where k.tenant_id = system.tenant() and k.ended_at is null and (p_user is null or k.user_id = p_user) and k.id = p_id
$$;

-- SB409 limit: a member has 50 live tokens at most. What ended a month ago is forgotten on the way.
create function system.api_token_insert(p_id uuid, p_user uuid, p_hash bytea, p_name text, p_permissions text[], p_lifetime interval) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
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

-- Ends a token; of one person, or of anybody where none is named. False: no such token.
create function system.api_token_end(p_user uuid, p_id uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.people_lock();
begin
    update system.api_tokens k set ended_at = system.now()
    where k.tenant_id = v_tenant and k.id = p_id and k.ended_at is null and (p_user is null or k.user_id = p_user);
    return found;
end
$$;

-- Notes that a token is in use, at most once an hour.
create function system.api_token_seen(p_hash bytea) returns void
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    update system.api_tokens k set last_used_at = system.now()
    where k.hash = p_hash and k.ended_at is null and k.expires_at > system.now()
      and (k.last_used_at is null or k.last_used_at < system.now() - interval '1 hour')
$$;

-- However a membership ends, its tokens end with it, and do not come back with the person.
create function system.end_tokens() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.api_tokens k set ended_at = system.now()
    where k.tenant_id = new.tenant_id and k.user_id = new.user_id and k.ended_at is null;
    return null;
end
$$;
create trigger end_tokens after update of state on system.memberships
    for each row when (old.state = 'active' and new.state <> 'active') execute function system.end_tokens();

revoke execute on function
    system.authorize(uuid, bytea, uuid, uuid, text, text, text[]), system.api_tokens(uuid, uuid, integer), system.api_token(uuid, uuid),
    system.api_token_insert(uuid, uuid, bytea, text, text[], interval), system.api_token_end(uuid, uuid),
    system.api_token_seen(bytea), system.end_tokens()
    from public;
grant execute on function
    system.api_tokens(uuid, uuid, integer), system.api_token(uuid, uuid),
    system.api_token_insert(uuid, uuid, bytea, text, text[], interval), system.api_token_end(uuid, uuid)
    to signalbox_tenants;
grant execute on function system.api_token_seen(bytea) to system_portal;

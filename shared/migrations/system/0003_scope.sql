-- How a scope is opened and what may be done from inside one. Every function here is owned by signalbox_owner,
-- runs as it (security definer) with a pinned path, and takes the tenant from the scope, never from an argument.
-- Refusals are SQLSTATEs of class SB, read by shared::db::tx.

-- Opens every tenant transaction: the only thing a login may execute. With a session it answers for a person and checks the
-- role; without one it answers for a worker, which only the dispatcher's and the steward's logins may be.
create function system.authorize(p_session uuid, p_user uuid, p_tenant uuid, p_schema text, p_roles text[])
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

    if p_session is null then
        if v_function not in ('dispatcher', 'steward') then
            raise exception using errcode = 'SB401', message = 'a session is needed';
        end if;
        return query
            select null::uuid, null::text, 'worker'::text, t.state, system.now()
            from system.tenants t
            where t.id = p_tenant and t.schema_name = p_schema
              and t.state not in ('spare', 'provisioning', 'deleted');
        if not found then
            raise exception using errcode = 'SB404', message = 'no such workspace';
        end if;
        return;
    end if;

    return query
        select u.id, u.display_name, m.role, t.state, system.now()
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
    if not exists (
        select from system.sessions s
        join system.memberships m on m.user_id = s.user_id and m.tenant_id = s.tenant_id and m.state = 'active'
        where s.id = p_session and m.role = any (p_roles)
    ) then
        raise exception using errcode = 'SB403', message = 'role may not do this';
    end if;
end
$$;

-- The tenant of the current scope. Inside a definer function current_user is the owner, so the role setting is read.
create function system.tenant() returns uuid
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    select t.id into v_id from system.tenants t
    where t.id = nullif(current_setting('app.tenant_id', true), '')::uuid
      and t.role_name = current_setting('role');
    if v_id is null then
        raise exception using errcode = 'SB401', message = 'no tenant scope';
    end if;
    return v_id;
end
$$;

-- Holds off suspension until this transaction ends, and says the state as it is once held.
create function system.hold_tenant() returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_state text;
begin
    perform pg_advisory_xact_lock_shared(1, hashtext(v_tenant::text));
    select t.state into v_state from system.tenants t where t.id = v_tenant;
    return v_state;
end
$$;

-- The salts of the tenant's keys; only the functions that seal or open secrets are told.
create function system.tenant_salts() returns table (version integer, salt bytea)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function in ('portal', 'dispatcher')) then
        raise exception using errcode = 'SB401', message = 'login may not have keys';
    end if;
    return query select k.version, k.salt from system.tenant_keys k where k.tenant_id = v_tenant order by k.version;
end
$$;

-- Writes messages owed; arrays run in step, a null instant is now. Whoever makes a message due within 90 seconds also sends
-- it; the sweep sends a later one, ahead of its instant.
create function system.enqueue(p_ids uuid[], p_kinds text[], p_refs uuid[], p_available timestamptz[]) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_now timestamptz := system.now();
begin
    insert into system.outbox (id, tenant_id, kind, ref, available_at, resend_at, sends)
    select m.id, v_tenant, m.kind, m.ref, coalesce(m.available, v_now),
           case when m.available > v_now + interval '90 seconds' then m.available - interval '90 seconds'
                else coalesce(m.available, v_now) + interval '60 seconds' end,
           case when m.available > v_now + interval '90 seconds' then 0 else 1 end
    from unnest(p_ids, p_kinds, p_refs, p_available) as m (id, kind, ref, available);
end
$$;

-- The consumer's side: what it has taken on is owed no longer.
create function system.outbox_done(p_ids uuid[]) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    delete from system.outbox o where o.tenant_id = v_tenant and o.id = any (p_ids);
end
$$;

-- Sets when something is due, in a new round, and returns the round: messages of earlier rounds are void.
create function system.due_set(p_kind text, p_ref uuid, p_at timestamptz) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_round integer;
begin
    insert into system.due (tenant_id, kind, ref, at) values (v_tenant, p_kind, p_ref, p_at)
    on conflict (tenant_id, kind, ref) do update set at = excluded.at, round = system.due.round + 1
    returning system.due.round into v_round;
    return v_round;
end
$$;

-- Moves a due instant earlier, never later; reads first, so that a busy tenant's one row is not a lock. Returns the round if
-- it moved. Whoever clears such a row holds what its pullers hold, so that no pull is lost: the workspace's hold for `watch`,
-- the key's slot row for `poll`.
create function system.due_pull(p_kind text, p_ref uuid, p_at timestamptz) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_at timestamptz;
    v_round integer;
begin
    select d.at into v_at from system.due d where d.tenant_id = v_tenant and d.kind = p_kind and d.ref = p_ref;
    if v_at is null or v_at > p_at then
        insert into system.due (tenant_id, kind, ref, at) values (v_tenant, p_kind, p_ref, p_at)
        on conflict (tenant_id, kind, ref) do update set at = least(system.due.at, excluded.at)
        returning system.due.round into v_round;
    end if;
    return v_round;
end
$$;

-- Takes round p_round of a chain and sets the next instant. False: another message took it already.
create function system.due_take(p_kind text, p_ref uuid, p_round integer, p_at timestamptz) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    update system.due d set round = d.round + 1, at = p_at
    where d.tenant_id = v_tenant and d.kind = p_kind and d.ref = p_ref and d.round = p_round;
    return found;
end
$$;

-- What is due and in which round; null where nothing is.
create function system.due_round(p_kind text, p_ref uuid) returns integer
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return (select d.round from system.due d where d.tenant_id = v_tenant and d.kind = p_kind and d.ref = p_ref);
end
$$;

create function system.due_clear(p_kind text, p_ref uuid) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    delete from system.due d where d.tenant_id = v_tenant and d.kind = p_kind and d.ref = p_ref;
end
$$;

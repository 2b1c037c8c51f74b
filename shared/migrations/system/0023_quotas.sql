-- Quotas: how many there may be of what a workspace makes, held where it is made.

-- Refuses (SB429, quota and limit) what would store more where the last measurement found the workspace full.
create function system.check_stored(p_tenant uuid, p_initial bigint) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_most bigint := system.limit_of(p_tenant, 'stored_bytes', p_initial);
begin
    if (select m.bytes from system.tenant_metrics m where m.tenant_id = p_tenant order by m.day desc limit 1) >= v_most then
        raise exception using errcode = 'SB429', message = 'stored_bytes ' || v_most;
    end if;
end
$$;

-- Holds a quota until the transaction ends, so that of two at once one takes the last place; says how many there may be.
-- p_bytes: how much may be stored initially; null where it does not matter whether the workspace is full.
create function system.hold_quota(p_name text, p_initial bigint, p_bytes bigint) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    perform pg_advisory_xact_lock(4, hashtext(v_tenant::text || p_name));
    if p_bytes is not null then
        perform system.check_stored(v_tenant, p_bytes);
    end if;
    return system.limit_of(v_tenant, p_name, p_initial);
end
$$;

create function system.count_members() returns bigint
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return (select count(*) from system.memberships m where m.tenant_id = v_tenant and m.state = 'active');
end
$$;

-- Exports, backups or sandboxes that are there or will be: asked for, and neither failed, cancelled nor gone since.
create function system.count_kept(p_kind text, p_into text) returns bigint
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return (
        select count(*) from system.operations o
        where o.tenant_id = v_tenant and o.kind = p_kind and (p_into is null or o.request ->> 'into' = p_into)
          and (o.finished_at is null or o.state = 'succeeded')
          and o.result ->> 'purged_at' is null
          and (p_into is null or not exists (
              select from system.tenants t
              where t.id::text = o.result ->> 'workspace_id' and t.state in ('purging', 'deleted')))
    );
end
$$;

-- How many runs the day has left, and of how many.
create function system.runs_left(p_initial bigint) returns table (runs bigint, most bigint)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    most := system.limit_of(v_tenant, 'runs_per_day', p_initial);
    runs := most - coalesce((select sum(u.runs) from system.usage u
                             where u.tenant_id = v_tenant and u.day = system.today()), 0);
    return next;
end
$$;

-- Counts a run and its tasks in the transaction that makes them; SB429 where the day's runs are used up. No lock but the shard's:
-- transactions that make runs at the same instant do not see each other, so the day may end that many runs above its limit.
create function system.count_run(p_tasks bigint, p_initial bigint, p_bytes bigint) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_left bigint;
    v_most bigint;
begin
    select l.runs, l.most into v_left, v_most from system.runs_left(p_initial) l;
    if v_left <= 0 then
        raise exception using errcode = 'SB429', message = 'runs_per_day ' || v_most;
    end if;
    perform system.check_stored(v_tenant, p_bytes);
    perform system.add_usage(v_tenant, 0, 0, 1, p_tasks);
end
$$;

-- The sign-in with an invitation, held to the quota of members: whoever would be one too many does not come in (SB429), and the
-- invitation stays good. Of an invitation that does not hold, nobody learns whether its workspace is full. The release before
-- calls the function of eleven arguments.
create function system.sign_in_guest(
    p_provider text, p_directory uuid, p_object uuid, p_display_name text, p_open boolean, p_hash bytea, p_operator text[],
    p_ids uuid[], p_lifetime interval, p_request_id text, p_source_address text, p_users bigint
) returns table (session_id uuid, user_id uuid, tenant_id uuid, tenant_schema text, role text, expires_at timestamptz, claimed boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_was_member boolean;
    v_most bigint;
begin
    select i.tenant_id into v_tenant from system.invitations i where i.hash = p_hash;
    if v_tenant is not null then
        -- Where the portal adds a member it takes this lock first, too.
        perform pg_advisory_xact_lock(4, hashtext(v_tenant::text || 'users'));
        v_was_member := exists (
            select from system.memberships m join system.users u on u.id = m.user_id
            where m.tenant_id = v_tenant and m.state = 'active'
              and u.provider = p_provider and u.directory_id = p_directory and u.object_id = p_object);
    end if;
    return query
        select s.session_id, s.user_id, s.tenant_id, s.tenant_schema, s.role, s.expires_at, s.claimed
        from system.sign_in_guest(p_provider, p_directory, p_object, p_display_name, p_open, p_hash, p_operator, p_ids,
                                  p_lifetime, p_request_id, p_source_address) s;
    if v_was_member is false then
        v_most := system.limit_of(v_tenant, 'users', p_users);
        if (select count(*) from system.memberships m where m.tenant_id = v_tenant and m.state = 'active') > v_most then
            raise exception using errcode = 'SB429', message = 'users ' || v_most;
        end if;
    end if;
end
$$;

revoke execute on function
    system.check_stored(uuid, bigint), system.hold_quota(text, bigint, bigint), system.count_members(),
    system.count_kept(text, text), system.runs_left(bigint), system.count_run(bigint, bigint, bigint),
    system.sign_in_guest(text, uuid, uuid, text, boolean, bytea, text[], uuid[], interval, text, text, bigint)
    from public;

grant execute on function
    system.hold_quota(text, bigint, bigint), system.count_members(), system.count_kept(text, text), system.runs_left(bigint),
    system.count_run(bigint, bigint, bigint)
    to signalbox_tenants;

grant execute on function
    system.sign_in_guest(text, uuid, uuid, text, boolean, bytea, text[], uuid[], interval, text, text, bigint)
    to system_signin;

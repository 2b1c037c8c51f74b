-- The overview of operations: how every workspace is doing, from schema `system` alone. Counts, states and instants; no name, reference or value that a tenant wrote.

-- One workspace's figures. Owed: messages due to be worked. Overdue: owed past the instant at which the sweep sends them again.
-- Resent: owed, and sent more than once. Waiting: not due yet. Instants: what work waits for; that a log is yet to be sealed is
-- none. Operations in trouble: open ones with a failed step, and those that failed within a week. A migration that failed stands
-- until its rollout is taken up again. Measured: size, growth, use and failures, as the steward saw them last. The instant is an
-- argument: asked for at each row, it would be most of the work.
create function system.overview_of(p_tenant system.tenants, p_now timestamptz)
    returns table (owed bigint, overdue bigint, resent bigint, waiting bigint, oldest_owed_at timestamptz,
                   instants bigint, instants_overdue bigint, oldest_instant_at timestamptz,
                   operations bigint, operations_in_trouble bigint, rollout_failed_at timestamptz,
                   members bigint, members_of_30_days bigint, measured jsonb)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select o.owed, o.overdue, o.resent, o.waiting, o.oldest, d.instants, d.overdue, d.oldest, n.open, n.in_trouble,
           (select max(f.at) from system.rollout_failures f where f.tenant_id = (p_tenant).id), m.members, m.new,
           (select to_jsonb(k) - 'tenant_id' from system.tenant_metrics k
            where k.tenant_id = (p_tenant).id order by k.day desc limit 1)
    from (
        select count(*) filter (where b.available_at <= p_now) as owed,
               count(*) filter (where b.available_at <= p_now and b.resend_at < p_now) as overdue,
               count(*) filter (where b.available_at <= p_now and b.sends > 1) as resent,
               count(*) filter (where b.available_at > p_now) as waiting,
               min(b.available_at) filter (where b.available_at <= p_now) as oldest
        from system.outbox b where b.tenant_id = (p_tenant).id
    ) o,
    (
        select count(*) as instants, count(*) filter (where i.at < p_now) as overdue,
               min(i.at) filter (where i.at < p_now) as oldest
        from system.due i where i.tenant_id = (p_tenant).id and i.kind <> 'seal'
    ) d,
    (
        select count(*) filter (where n.finished_at is null) as open,
               count(*) filter (where n.finished_at is null and n.failures > 0
                                   or n.state = 'failed' and n.finished_at > p_now - interval '7 days') as in_trouble
        from system.operations n where n.tenant_id = (p_tenant).id
    ) n,
    (
        select count(*) as members, count(*) filter (where p.created_at > p_now - interval '30 days') as new
        from system.memberships p where p.tenant_id = (p_tenant).id and p.state = 'active'
    ) m
$$;

-- Every workspace that is a customer's, also while it is purged, in the order of their ids, after the one given.
create function system.overview_list(
    p_session uuid, p_operator uuid, p_after uuid, p_limit integer, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, name text, state text, placement text, cell text, schema_version integer, claimed_at timestamptz, now timestamptz,
                 owed bigint, overdue bigint, resent bigint, waiting bigint, oldest_owed_at timestamptz,
                 instants bigint, instants_overdue bigint, oldest_instant_at timestamptz,
                 operations bigint, operations_in_trouble bigint, rollout_failed_at timestamptz,
                 members bigint, members_of_30_days bigint, measured jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_now timestamptz := system.now();
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'workspaces.list', null, null, 'workspace', null, '{}',
                                        p_request_id, p_source_address);
    return query
        select (p.tenant).id, (p.tenant).name, (p.tenant).state, (p.tenant).placement, (p.tenant).cell, (p.tenant).schema_version,
               (p.tenant).claimed_at, v_now, f.*
        from (select t as tenant from system.tenants t
              where t.state in ('active', 'suspending', 'suspended', 'deleting', 'purging') and t.id > p_after
              order by t.id limit p_limit) p,
             system.overview_of(p.tenant, v_now) f
        order by (p.tenant).id;
end
$$;

-- One workspace. It is named, so its own log has the row too, while there is one. SB404: no such workspace.
create function system.overview_get(
    p_session uuid, p_operator uuid, p_tenant uuid, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, name text, state text, placement text, cell text, schema_version integer, claimed_at timestamptz, now timestamptz,
                 owed bigint, overdue bigint, resent bigint, waiting bigint, oldest_owed_at timestamptz,
                 instants bigint, instants_overdue bigint, oldest_instant_at timestamptz,
                 operations bigint, operations_in_trouble bigint, rollout_failed_at timestamptz,
                 members bigint, members_of_30_days bigint, measured jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_now timestamptz := system.now();
begin
    if not exists (select from system.tenants t where t.id = p_tenant
                   and t.state in ('active', 'suspending', 'suspended', 'deleting', 'purging')) then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'workspaces.get', p_tenant, null, 'workspace', p_tenant,
                                        '{}', p_request_id, p_source_address);
    return query
        select t.id, t.name, t.state, t.placement, t.cell, t.schema_version, t.claimed_at, v_now, f.*
        from system.tenants t, system.overview_of(t, v_now) f
        where t.id = p_tenant;
end
$$;

-- Everything at once: workspaces by state, spares, schemas behind, what is owed in all and since when, the latest rollout.
create function system.overview_totals(
    p_session uuid, p_operator uuid, p_version integer, p_audit uuid, p_request_id text, p_source_address text
) returns table (now timestamptz, active bigint, suspended bigint, deleting bigint, purging bigint, spares bigint, behind bigint, directories bigint,
                 owed bigint, overdue bigint, resent bigint, waiting bigint, oldest_owed_at timestamptz,
                 instants bigint, instants_overdue bigint, oldest_instant_at timestamptz,
                 operations bigint, operations_in_trouble bigint, rollout jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_now timestamptz := system.now();
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'overview.get', null, null, 'overview', null, '{}',
                                        p_request_id, p_source_address);
    return query
        select v_now, t.active, t.suspended, t.deleting, t.purging, t.spares, t.behind, c.onboarded,
               o.owed, o.overdue, o.resent, o.waiting, o.oldest, d.instants, d.overdue, d.oldest,
               n.open, n.in_trouble, r.told
        from (
            select count(*) filter (where w.state = 'active') as active,
                   count(*) filter (where w.state in ('suspending', 'suspended')) as suspended,
                   count(*) filter (where w.state = 'deleting') as deleting,
                   count(*) filter (where w.state = 'purging') as purging,
                   count(*) filter (where w.state = 'spare') as spares,
                   count(*) filter (where w.schema_version < p_version and w.state not in ('purging', 'deleted')) as behind
            from system.tenants w
        ) t,
        (select count(*) as onboarded from system.directories r where r.state = 'onboarded') c,
        (
            select count(*) filter (where b.available_at <= v_now) as owed,
                   count(*) filter (where b.available_at <= v_now and b.resend_at < v_now) as overdue,
                   count(*) filter (where b.available_at <= v_now and b.sends > 1) as resent,
                   count(*) filter (where b.available_at > v_now) as waiting,
                   min(b.available_at) filter (where b.available_at <= v_now) as oldest
            from system.outbox b
        ) o,
        (
            select count(*) as instants, count(*) filter (where i.at < v_now) as overdue,
                   min(i.at) filter (where i.at < v_now) as oldest
            from system.due i where i.kind <> 'seal'
        ) d,
        (
            select count(*) filter (where p.finished_at is null) as open,
                   count(*) filter (where p.finished_at is null and p.failures > 0
                                       or p.state = 'failed' and p.finished_at > v_now - interval '7 days') as in_trouble
            from system.operations p
        ) n
        left join (
            select jsonb_build_object(
                'version', l.version, 'state', l.state, 'until', l.until, 'migrated', l.migrated,
                'started_at', l.started_at, 'updated_at', l.updated_at,
                'failures', (select coalesce(jsonb_agg(jsonb_build_object('workspace_id', f.tenant_id, 'at', f.at) order by f.at), '[]')
                             from (select e.tenant_id, e.at from system.rollout_failures e
                                   where e.version = l.version order by e.at limit 20) f)) as told
            from system.rollouts l order by l.version desc limit 1
        ) r on true;
end
$$;

-- What the steward is doing to workspaces, newest first: operations that have not ended, and those that failed within a week.
-- Without what was asked for, found, or said of a failure: platforms' and people's words can stand there.
create function system.overview_operations(
    p_session uuid, p_operator uuid, p_before uuid, p_limit integer, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, workspace_id uuid, workspace_name text, workspace_state text, kind text, state text, step text,
                 failures integer, not_before timestamptz, created_at timestamptz, started_at timestamptz, finished_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_now timestamptz := system.now();
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'operations.list', null, null, 'operation', null, '{}',
                                        p_request_id, p_source_address);
    return query
        select n.id, n.tenant_id, t.name, t.state, n.kind, n.state, n.step, n.failures, n.not_before, n.created_at, n.started_at,
               n.finished_at
        from system.operations n join system.tenants t on t.id = n.tenant_id
        where n.id < p_before
          and (n.finished_at is null or n.state = 'failed' and n.finished_at > v_now - interval '7 days')
        order by n.id desc limit p_limit;
end
$$;

-- Who may do what: functions are nobody's until granted, and these are the operators' group's alone.
-- The checks that others build on (operator_session, operator_tenant, operator_grant_open, write_operator_audit, overview_of) are nobody's.
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure from pg_proc p
        where p.pronamespace = 'system'::regnamespace and (p.proname like '%operator%' or p.proname like 'overview\_%')
    loop
        execute format('revoke execute on function %s from public', v_function);
    end loop;
end
$$;
grant usage on schema system to system_operators;
grant execute on function
    system.operator_sign_in(uuid, uuid, text, uuid[], interval, text, text), system.operator_sign_out(uuid, uuid, uuid, text, text),
    system.operator_grant(uuid, uuid, uuid, uuid, text, text, integer, uuid, text, text),
    system.operator_grant_close(uuid, uuid, uuid, uuid, text, text),
    system.operator_grants(uuid, uuid, uuid, integer, uuid, text, text),
    system.operator_note(uuid, uuid, text, uuid, text, text),
    system.operator_look(uuid, uuid, uuid, text, text, uuid, uuid, text, text),
    system.operator_audit_list(uuid, uuid, uuid, integer, uuid, uuid, text, text),
    system.overview_list(uuid, uuid, uuid, integer, uuid, text, text),
    system.overview_get(uuid, uuid, uuid, uuid, text, text),
    system.overview_totals(uuid, uuid, integer, uuid, text, text),
    system.overview_operations(uuid, uuid, uuid, integer, uuid, text, text)
    to system_operators;

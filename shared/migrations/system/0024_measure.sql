-- Measuring a workspace: the steward's, in the background, one workspace a transaction.

-- The workspaces to be measured next, in the order of their ids, round after round.
create function system.next_to_measure(p_limit integer) returns table (id uuid)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_after uuid;
    v_count integer := 0;
begin
    select r.after into v_after from system.metric_round r for update skip locked;
    for id in
        select t.id from system.tenants t
        where t.id > v_after and t.state in ('active', 'suspending', 'suspended', 'deleting')
        order by t.id limit p_limit
    loop
        v_count := v_count + 1;
        v_after := id;
        return next;
    end loop;
    update system.metric_round r
    set after = case when v_count < p_limit then '00000000-0000-0000-0000-000000000000' else v_after end
    where v_after is not null;
end
$$;

-- Rows and bytes of the named tables. In a schema of one's own they are the relations'; in a shared one the relations are
-- everybody's, so the workspace's own rows are counted (the small ones live there).
create function system.size_of(p_tenant uuid, p_schema text, p_placement text, p_tables text[])
    returns table (live bigint, size bigint)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table regclass;
    v_rows bigint;
    v_bytes bigint;
begin
    live := 0;
    size := 0;
    for v_table in
        select c.oid from unnest(p_tables) as n (name), to_regclass(format('%I.%I', p_schema, n.name)) as c (oid)
        where c.oid is not null and (p_placement <> 'pooled' or n.name <> 'schema_migrations')
    loop
        if p_placement = 'pooled' then
            execute format('select count(*), coalesce(sum(pg_column_size(t)), 0) from %s t where t.tenant_id = $1', v_table)
            into v_rows, v_bytes using p_tenant;
        else
            v_rows := pg_stat_get_live_tuples(v_table);
            v_bytes := pg_total_relation_size(v_table);
        end if;
        live := live + v_rows;
        size := size + v_bytes;
    end loop;
    return next;
end
$$;

-- Measures one; no row where there is no such workspace, or no more. Sizes and rows come from the tables that are named, by the server's own statistics: nothing is scanned but the
-- last day's failures and at most 10,000 of its newest tasks.
create function system.measure(p_tenant uuid, p_tables text[])
    returns table (placement text, at timestamptz, "rows" bigint, bytes bigint, growth_bytes bigint, runs bigint, task_runs bigint,
                   failed_runs bigint, dwell_p50_ms bigint, dwell_p99_ms bigint, api_calls bigint, api_limited bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
    v_today date := system.today();
    v_since uuid;
begin
    at := system.now();
    select t.schema_name, t.placement into v_schema, placement from system.tenants t
    where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting');
    if not found then
        return;
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true);
    select s.live, s.size into "rows", bytes from system.size_of(p_tenant, v_schema, placement, p_tables) s;

    -- Ids are made in the order of time: the first that a day ago could have had.
    v_since := (lpad(to_hex((extract(epoch from at - interval '1 day') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
    execute format(
        'select count(*) from (select from %I.runs r where r.tenant_id = $1 and r.id >= $2
                               and r.state in (''failed'', ''timed_out'', ''lost'') limit 100000) f', v_schema)
    into failed_runs using p_tenant, v_since;
    execute format(
        'select percentile_disc(0.5) within group (order by d.ms), percentile_disc(0.99) within group (order by d.ms)
         from (select (extract(epoch from t.started_at - t.ready_at) * 1000)::bigint as ms from %I.task_runs t
               where t.tenant_id = $1 and t.id >= $2 and t.started_at >= t.ready_at order by t.id desc limit 10000) d', v_schema)
    into dwell_p50_ms, dwell_p99_ms using p_tenant, v_since;
    perform set_config('app.tenant_id', '', true);

    -- Nothing is written of a workspace on its way out: a deletion waits here, or this finds that it has begun.
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    if not exists (select from system.tenants t
                   where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting')) then
        return;
    end if;
    insert into system.usage as u (tenant_id, day, shard, stored_bytes) values (p_tenant, v_today, 0, bytes)
    on conflict (tenant_id, day, shard) do update set stored_bytes = greatest(u.stored_bytes, excluded.stored_bytes);
    select sum(u.runs), sum(u.task_runs), sum(u.api_calls), sum(u.api_limited)
    into measure.runs, measure.task_runs, measure.api_calls, measure.api_limited
    from system.usage u where u.tenant_id = p_tenant and u.day = v_today;
    growth_bytes := bytes - coalesce((select m.bytes from system.tenant_metrics m
                                      where m.tenant_id = p_tenant and m.day < v_today order by m.day desc limit 1), 0);
    insert into system.tenant_metrics
        (tenant_id, day, measured_at, placement, "rows", bytes, growth_bytes, runs, task_runs, failed_runs,
         dwell_p50_ms, dwell_p99_ms, api_calls, api_limited)
    values (p_tenant, v_today, at, measure.placement, measure."rows", measure.bytes, measure.growth_bytes, measure.runs,
            measure.task_runs, measure.failed_runs, measure.dwell_p50_ms, measure.dwell_p99_ms, measure.api_calls,
            measure.api_limited)
    on conflict (tenant_id, day) do update
    set measured_at = excluded.measured_at, placement = excluded.placement, "rows" = excluded."rows", bytes = excluded.bytes,
        growth_bytes = excluded.growth_bytes, runs = excluded.runs, task_runs = excluded.task_runs,
        failed_runs = excluded.failed_runs, dwell_p50_ms = excluded.dwell_p50_ms, dwell_p99_ms = excluded.dwell_p99_ms,
        api_calls = excluded.api_calls, api_limited = excluded.api_limited;
    perform system.fold_usage(p_tenant, v_today);
    return next;
end
$$;

-- Folds the shards of past days into one row each, and forgets what is older than 400 days.
create function system.fold_usage(p_tenant uuid, p_today date) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
as $$
    with past as (
        delete from system.usage u where u.tenant_id = p_tenant and u.day < p_today and u.shard <> 0
        returning u.day, u.api_calls, u.api_limited, u.runs, u.task_runs, u.stored_bytes
    )
    insert into system.usage as u (tenant_id, day, shard, api_calls, api_limited, runs, task_runs, stored_bytes)
    select p_tenant, p.day, 0, sum(p.api_calls), sum(p.api_limited), sum(p.runs), sum(p.task_runs), max(p.stored_bytes)
    from past p group by p.day
    on conflict (tenant_id, day, shard) do update
    set api_calls = u.api_calls + excluded.api_calls, api_limited = u.api_limited + excluded.api_limited,
        runs = u.runs + excluded.runs, task_runs = u.task_runs + excluded.task_runs,
        stored_bytes = greatest(u.stored_bytes, excluded.stored_bytes);
    delete from system.usage u where u.tenant_id = p_tenant and u.day < p_today - 400;
    delete from system.tenant_metrics m where m.tenant_id = p_tenant and m.day < p_today - 400;
$$;

-- One audit row of the platform's own, in the workspace that it concerns.
create function system.write_platform_audit(p_tenant uuid, p_id uuid, p_action text, p_detail jsonb) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
begin
    select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;
    perform set_config('app.tenant_id', p_tenant::text, true);
    execute format(
        'insert into %I.audit (id, at, actor_kind, actor_name, action, target_kind, target_id, detail)
         values ($1, system.now(), ''system'', ''platform'', $2, ''workspace'', $3, $4)', v_schema)
    using p_id, p_action, p_tenant, p_detail;
    perform set_config('app.tenant_id', '', true);
end
$$;

revoke execute on function
    system.next_to_measure(integer), system.size_of(uuid, text, text, text[]), system.measure(uuid, text[]),
    system.fold_usage(uuid, date),
    system.write_platform_audit(uuid, uuid, text, jsonb)
    from public;

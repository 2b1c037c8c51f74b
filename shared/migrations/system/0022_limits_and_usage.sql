-- What a workspace may use and what it has used. Nothing here is written once a request: calls come in blocks, runs are spread.

-- A workspace's own limits; one that has no row is as shared::model::limit says.
create table system.limits (
    tenant_id uuid not null references system.tenants (id),
    name text not null check (name ~ '^[a-z_]{1,40}$'),
    value bigint not null check (value > 0),
    updated_at timestamptz not null,
    primary key (tenant_id, name)
);

-- Tokens that nobody has leased yet. Unlogged: after a crash of the server every bucket is full.
create unlogged table system.rate_buckets (
    tenant_id uuid not null,
    bucket text not null check (bucket in ('api', 'webhook')),
    tokens double precision not null,
    at timestamptz not null,
    leases bigint not null default 0,
    primary key (tenant_id, bucket)
) with (fillfactor = 50);

-- What was used on a day (UTC). Shards, by the server process that counts, keep transactions of one workspace apart: their sum
-- is the day's. The steward folds those of past days into shard 0.
create table system.usage (
    tenant_id uuid not null references system.tenants (id),
    day date not null,
    shard integer not null,
    api_calls bigint not null default 0,
    api_limited bigint not null default 0,
    runs bigint not null default 0,
    task_runs bigint not null default 0,
    stored_bytes bigint not null default 0,
    primary key (tenant_id, day, shard)
) with (fillfactor = 50);

-- What a workspace is like, as measured last on a day (UTC).
create table system.tenant_metrics (
    tenant_id uuid not null references system.tenants (id),
    day date not null,
    measured_at timestamptz not null,
    placement text not null,
    "rows" bigint not null,
    bytes bigint not null,
    growth_bytes bigint not null,
    runs bigint not null,
    task_runs bigint not null,
    failed_runs bigint not null,
    dwell_p50_ms bigint,
    dwell_p99_ms bigint,
    api_calls bigint not null,
    api_limited bigint not null,
    primary key (tenant_id, day)
);

-- After which workspace the next round of measuring goes on: one row, so that no tick looks at all of them.
create table system.metric_round (
    single boolean primary key default true check (single),
    after uuid not null
);
insert into system.metric_round (after) values ('00000000-0000-0000-0000-000000000000');

do $$
declare
    v_table text;
begin
    foreach v_table in array array['limits', 'rate_buckets', 'usage', 'tenant_metrics'] loop
        execute format('alter table system.%I enable row level security', v_table);
        execute format(
            'create policy own on system.%I to signalbox_tenants using (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
            v_table);
    end loop;
end
$$;

insert into system.exported_tables (name, columns) values
    ('limits', 'x.name, x.value, x.updated_at'),
    ('rate_buckets', ''),
    ('usage', 'x.day, x.shard, x.api_calls, x.api_limited, x.runs, x.task_runs, x.stored_bytes'),
    ('tenant_metrics', 'x.day, x.measured_at, x.placement, x."rows", x.bytes, x.growth_bytes, x.runs, x.task_runs, x.failed_runs,
                        x.dwell_p50_ms, x.dwell_p99_ms, x.api_calls, x.api_limited');

-- The day of the counters.
create function system.today() returns date
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $$ select (system.now() at time zone 'UTC')::date $$;

create function system.limit_of(p_tenant uuid, p_name text, p_initial bigint) returns bigint
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $$ select coalesce((select l.value from system.limits l where l.tenant_id = p_tenant and l.name = p_name), p_initial) $$;

create function system.add_usage(p_tenant uuid, p_calls bigint, p_limited bigint, p_runs bigint, p_tasks bigint) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
as $$
    insert into system.usage as u (tenant_id, day, shard, api_calls, api_limited, runs, task_runs)
    values (p_tenant, system.today(), pg_backend_pid() % 16, p_calls, p_limited, p_runs, p_tasks)
    on conflict (tenant_id, day, shard) do update
    set api_calls = u.api_calls + excluded.api_calls, api_limited = u.api_limited + excluded.api_limited,
        runs = u.runs + excluded.runs, task_runs = u.task_runs + excluded.task_runs
$$;

-- A block of tokens for one instance of a function, and with it the count of what that instance spent and refused since it last
-- asked. The only row that calls of a workspace share is written once a block. No row: there is no such workspace to enter.
create function system.lease_tokens(
    p_tenant uuid, p_bucket text, p_rate bigint, p_burst bigint, p_used bigint, p_limited bigint
) returns table (granted bigint, block bigint, rate bigint, burst bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := system.now();
    v_at timestamptz;
    v_tokens double precision;
begin
    -- Nothing here is worth waiting for the disk: at worst a crash forgets counts of the last instants.
    perform set_config('synchronous_commit', 'off', true);
    -- A deletion waits for this, or this finds that it has begun: nothing is written of a workspace that is gone.
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    if not exists (select from system.tenants t
                   where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting')) then
        return;
    end if;
    rate := system.limit_of(p_tenant, p_bucket || '_rate', p_rate);
    burst := system.limit_of(p_tenant, p_bucket || '_burst', p_burst);
    block := greatest(1, least(rate / 10, burst / 10, 100));
    insert into system.rate_buckets (tenant_id, bucket, tokens, at) values (p_tenant, p_bucket, burst, v_now)
    on conflict (tenant_id, bucket) do nothing;
    select b.tokens, b.at into v_tokens, v_at from system.rate_buckets b
    where b.tenant_id = p_tenant and b.bucket = p_bucket for update;
    -- Whoever waited for the row comes with an instant that has passed.
    v_now := greatest(v_now, v_at);
    v_tokens := least(burst, v_tokens + rate * extract(epoch from v_now - v_at));
    granted := least(block, floor(v_tokens));
    update system.rate_buckets b set tokens = v_tokens - granted, at = v_now, leases = b.leases + 1
    where b.tenant_id = p_tenant and b.bucket = p_bucket;
    if p_bucket = 'api' and p_used + p_limited > 0 then
        perform system.add_usage(p_tenant, p_used, p_limited, 0, 0);
    end if;
    return next;
end
$$;

-- Counts of an instance for workspaces that have not called lately; arrays run in step.
create function system.note_calls(p_tenants uuid[], p_used bigint[], p_limited bigint[]) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock_shared(1, hashtext(i.tenant_id::text)) from unnest(p_tenants) as i (tenant_id);
    perform system.add_usage(s.tenant_id, s.used, s.limited, 0, 0)
    from (select i.tenant_id, i.used, i.limited
          from unnest(p_tenants, p_used, p_limited) as i (tenant_id, used, limited)
          join system.tenants t on t.id = i.tenant_id and t.state in ('active', 'suspending', 'suspended', 'deleting')
          order by i.tenant_id) s;
end
$$;

-- The workspace's own limits.
create function system.own_limits() returns table (name text, value bigint)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return query select l.name, l.value from system.limits l where l.tenant_id = v_tenant;
end
$$;

-- What was used on each of the last days, newest first.
create function system.usage_by_day(p_days integer)
    returns table (day text, api_calls bigint, api_limited bigint, runs bigint, task_runs bigint, stored_bytes bigint)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return query
        select u.day::text, sum(u.api_calls)::bigint, sum(u.api_limited)::bigint, sum(u.runs)::bigint, sum(u.task_runs)::bigint,
               max(u.stored_bytes)
        from system.usage u
        where u.tenant_id = v_tenant and u.day > system.today() - p_days
        group by u.day order by u.day desc;
end
$$;

-- What was measured on each of the last days, newest first.
create function system.metrics_by_day(p_days integer)
    returns table (day text, measured_at timestamptz, "rows" bigint, bytes bigint, growth_bytes bigint, runs bigint, task_runs bigint,
                   failed_runs bigint, dwell_p50_ms bigint, dwell_p99_ms bigint, api_calls bigint, api_limited bigint)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    return query
        select m.day::text, m.measured_at, m."rows", m.bytes, m.growth_bytes, m.runs, m.task_runs, m.failed_runs,
               m.dwell_p50_ms, m.dwell_p99_ms, m.api_calls, m.api_limited
        from system.tenant_metrics m
        where m.tenant_id = v_tenant and m.day > system.today() - p_days
        order by m.day desc;
end
$$;

revoke execute on function
    system.today(), system.limit_of(uuid, text, bigint), system.add_usage(uuid, bigint, bigint, bigint, bigint),
    system.lease_tokens(uuid, text, bigint, bigint, bigint, bigint), system.note_calls(uuid[], bigint[], bigint[]),
    system.own_limits(), system.usage_by_day(integer), system.metrics_by_day(integer)
    from public;

grant execute on function
    system.lease_tokens(uuid, text, bigint, bigint, bigint, bigint), system.note_calls(uuid[], bigint[], bigint[])
    to system_portal;

grant execute on function system.own_limits(), system.usage_by_day(integer), system.metrics_by_day(integer) to signalbox_tenants;

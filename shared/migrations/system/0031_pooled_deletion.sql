-- What deletion, its certificate and the sweep for leftovers have to know of pools.

-- Schemas that something leads to.
create view system.schemas_in_use as
    select t.schema_name as name from system.tenants t where t.state <> 'deleted'
    union all
    select p.schema_name from system.pools p;

-- A pool is nobody's leftover.
do $$
declare
    v_text text := pg_get_functiondef('system.leftovers()'::regprocedure);
    v_column text;
    v_before text;
begin
    foreach v_column in array array['schema_name = n.nspname', 'role_name = r.rolname'] loop
        v_before := format($q$from system.tenants t where t.%s and t.state <> 'deleted'$q$, v_column);
        if strpos(v_text, v_before) = 0 then
            raise exception 'system.leftovers is not as it was';
        end if;
        v_text := replace(v_text, v_before, 'from system.schemas_in_use t where t.name' || substring(v_column from ' = .*$'));
    end loop;
    execute v_text;
end
$$;

-- Of those whose rows were found in pools (`system.inhabitants`), who does not live there and is not on the way in or out.
create function system.strangers(p_schemas text[], p_tenants uuid[]) returns table (kind text, what text, total bigint)
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select 'rows in a pool', i.schema_name || ' ' || i.tenant_id, 1::bigint
    from (select distinct u.schema_name, u.tenant_id from unnest(p_schemas, p_tenants) as u (schema_name, tenant_id)) i
    where not exists (select from system.tenants t
                      where t.id = i.tenant_id and t.schema_name = i.schema_name and t.state <> 'deleted')
      and not exists (select from system.operations o
                      where o.tenant_id = i.tenant_id and o.exclusive and o.finished_at is null)
$$;

-- Takes a workspace that is being deleted out of its pool, and out of any in which something of it was left: nobody is inside,
-- its rows go, and its route leads to a schema that is not there. May run again. Says how many rows went.
create function system.leave_pools(p_tenant uuid) returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_pool text;
    v_all bigint := 0;
begin
    perform pg_advisory_xact_lock(6, hashtext(p_tenant::text));
    if not exists (select from system.tenants t where t.id = p_tenant and t.state = 'purging') then
        raise exception 'the workspace is not being purged';
    end if;
    update system.tenants t
    set placement = 'schema', schema_name = 't_' || replace(t.id::text, '-', ''), role_name = 't_' || replace(t.id::text, '-', '')
    where t.id = p_tenant and t.placement = 'pooled';
    for v_pool in select p.schema_name from system.pools p loop
        v_all := v_all + system.clear_rows(p_tenant, v_pool);
    end loop;
    return v_all;
end
$$;

-- Rows of a workspace by table, in a schema of its own and in every pool; none where there is nothing.
create or replace function system.count_content(p_tenant uuid) returns table (name text, total bigint)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_counts text;
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    select string_agg(format('select %L as name, count(*) as total from %I.%I where tenant_id = $1', c.relname, n.nspname, c.relname),
                      ' union all ') into v_counts
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where c.relkind in ('r', 'p')
      and n.nspname in (select t.schema_name from system.tenants t where t.id = p_tenant union select p.schema_name from system.pools p);
    if v_counts is not null then
        return query execute 'select c.name, sum(c.total)::bigint from (' || v_counts || ') c group by c.name' using p_tenant;
    end if;
    perform set_config('app.tenant_id', '', true);
end
$$;

revoke execute on function system.strangers(text[], uuid[]), system.leave_pools(uuid) from public;

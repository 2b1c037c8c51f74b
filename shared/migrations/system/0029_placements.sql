-- Where a workspace's rows are: a schema of its own, or a pool, which is a schema like any other that several share. The
-- tables are the same. In a pool the role fence is between pools, and row-level security is what stands between its workspaces.

-- A cell holds so many tenant roles: what a login's list of memberships costs is bounded by it.
create table system.cells (
    name text primary key check (name ~ '^cell_[0-9]{4}$'),
    created_at timestamptz not null
);
insert into system.cells (name, created_at) values ('cell_0001', system.now());

create table system.pools (
    schema_name text primary key check (schema_name ~ '^t_[0-9a-f]{32}$'),
    cell text not null references system.cells (name),
    schema_version integer not null,
    created_at timestamptz not null
);

create index tenants_pool on system.tenants (schema_name) where placement = 'pooled' and state <> 'deleted';
create index tenants_cell on system.tenants (cell) where placement = 'schema' and state <> 'deleted';

-- Which kind of spare a directory's first sign-in takes.
alter table system.directories add column placement text not null default 'schema' check (placement in ('pooled', 'schema'));
create index directories_pooled on system.directories (id) where placement = 'pooled' and tenant_id is null;

-- The last part of every scope's set-up. Until the transaction ends the workspace stays where it is; and whoever waited here
-- while it was moved away is told so (SB401, from system.tenant) before it has read or written anything.
create function system.hold_route() returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(6, hashtext(current_setting('app.tenant_id')));
    perform system.tenant();
end
$$;
revoke execute on function system.hold_route() from public;
grant execute on function system.hold_route() to signalbox_tenants;

-- The same from outside the scope, for functions of schema system that write into a workspace: where it is, and stays.
create function system.schema_held(p_tenant uuid) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
begin
    perform pg_advisory_xact_lock_shared(6, hashtext(p_tenant::text));
    select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;
    return v_schema;
end
$$;
revoke execute on function system.schema_held(uuid) from public;

-- The same for the owner in the scope of a workspace, who has no role by which to tell where that is.
create function system.hold_place(p_tenant uuid, p_schema text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if system.schema_held(p_tenant) <> p_schema then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
end
$$;
revoke execute on function system.hold_place(uuid, text) from public;

-- Functions of before, changed in one place each: whoever reaches into a workspace from outside holds it where it is, before any
-- other lock of it; and a first sign-in takes a spare of the placement that its directory was onboarded with.
do $$
declare
    v_change text[];
    v_function oid;
    v_is_changed boolean;
begin
    foreach v_change slice 1 in array array[
        array['write_audit', $q$select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;$q$,
              $q$v_schema := system.schema_held(p_tenant);$q$],
        array['write_platform_audit', $q$select t.schema_name into strict v_schema from system.tenants t where t.id = p_tenant;$q$,
              $q$v_schema := system.schema_held(p_tenant);$q$],
        array['write_operator_audit',
              $q$perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    select t.schema_name, t.state into strict v_schema, v_state from system.tenants t where t.id = p_tenant;$q$,
              $q$v_schema := system.schema_held(p_tenant);
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    select t.state into strict v_state from system.tenants t where t.id = p_tenant;$q$],
        array['keys_retire',
              $q$perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    select t.schema_name into v_schema$q$,
              $q$perform system.schema_held(p_tenant);
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    select t.schema_name into v_schema$q$],
        array['sign_in', $q$where s.state = 'spare'$q$, $q$where s.state = 'spare' and s.placement = v_dir.placement$q$]
    ] loop
        v_is_changed := false;
        for v_function in
            select p.oid from pg_proc p
            where p.pronamespace = 'system'::regnamespace and p.proname = v_change[1] and strpos(p.prosrc, v_change[2]) > 0
        loop
            execute replace(pg_get_functiondef(v_function), v_change[2], v_change[3]);
            v_is_changed := true;
        end loop;
        if not v_is_changed then
            raise exception 'system.% is not as it was', v_change[1];
        end if;
    end loop;
end
$$;

-- Whoever looks for rows of nobody in a pool has to see whose rows there are, and nothing else of them: a role of its own may read
-- the ids of workspaces there. Called whenever a pool was made or migrated.
create function system.open_to_sweep(p_schema text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table oid;
begin
    execute format('grant usage on schema %I to signalbox_sweeper', p_schema);
    for v_table in
        select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = quote_ident(p_schema)::regnamespace and c.relkind in ('r', 'p')
          and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'sweep')
    loop
        execute format('grant select (tenant_id) on %s to signalbox_sweeper', v_table::regclass);
        execute format('create policy sweep on %s for select to signalbox_sweeper using (true)', v_table::regclass);
    end loop;
end
$$;

-- Whose rows there are in the pools, table by table: from one id of the index to the next, not over the rows. As whoever calls it.
create function system.inhabitants() returns table (schema_name text, tenant_id uuid)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
begin
    for v_table in
        select n.nspname as pool, c.relname as name
        from pg_namespace n
        join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where n.nspname ~ '^t_[0-9a-f]{32}$' and has_schema_privilege(n.oid, 'usage')
    loop
        return query execute format(
            'with recursive next (id) as (
                 (select x.tenant_id from %1$I.%2$I x order by x.tenant_id limit 1)
                 union all
                 select (select x.tenant_id from %1$I.%2$I x where x.tenant_id > n.id order by x.tenant_id limit 1)
                 from next n where n.id is not null)
             select %1$L::text, n.id from next n where n.id is not null', v_table.pool, v_table.name);
    end loop;
end
$$;
revoke execute on function system.open_to_sweep(text), system.inhabitants() from public;
grant usage on schema system to signalbox_sweeper;
grant execute on function system.inhabitants() to signalbox_sweeper;

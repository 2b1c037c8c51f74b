-- Moving a workspace's rows from one schema to another. The steward alone calls these, as the owner of both; forced row-level
-- security binds the owner too, so that nothing but the one workspace's rows can be read, written or removed here.

-- Where a workspace has been, before a move or a restore in its place: sessions and messages made there name it still.
create table system.past_places (
    tenant_id uuid not null references system.tenants (id),
    schema_name text not null check (schema_name ~ '^t_[0-9a-f]{32}$'),
    placement text not null check (placement in ('pooled', 'schema')),
    moved_at timestamptz not null,
    primary key (tenant_id, schema_name)
);
alter table system.past_places enable row level security;
insert into system.exported_tables (name, columns) values ('past_places', 'x.moved_at, x.placement');

-- Where a workspace is that is, or has been, in this schema; null otherwise, so that nothing can be found out by guessing. The
-- schema that would bear its id stands for any of them: that is all that an API token can name. For the logins that enter
-- workspaces, which hold the cell's role.
create function system.moved_to(p_tenant uuid, p_schema text) returns text
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select t.schema_name from system.tenants t
    where t.id = p_tenant and t.state not in ('spare', 'provisioning', 'deleted')
      and (p_schema in (t.schema_name, 't_' || replace(t.id::text, '-', ''))
           or exists (select from system.past_places p where p.tenant_id = p_tenant and p.schema_name = p_schema))
$$;
revoke execute on function system.moved_to(uuid, text) from public;
grant usage on schema system to cell_0001;
grant execute on function system.moved_to(uuid, text) to cell_0001;

-- The tables of a schema, each after those it refers to.
create function system.tables_of(p_schema text) returns text[]
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_left oid[];
    v_next oid[];
    v_all oid[] := '{}';
begin
    select array_agg(c.oid) into v_left from pg_class c
    where c.relnamespace = quote_ident(p_schema)::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migrations';
    while cardinality(v_left) > 0 loop
        select array_agg(t.oid) into v_next from unnest(v_left) as t (oid)
        where not exists (select from pg_constraint f
                          where f.contype = 'f' and f.conrelid = t.oid and f.confrelid <> t.oid and f.confrelid = any (v_left));
        if v_next is null then
            raise exception 'the tables of % refer to each other in a circle', p_schema;
        end if;
        v_all := v_all || v_next;
        select coalesce(array_agg(t.oid), '{}') into v_left from unnest(v_left) as t (oid) where t.oid <> all (v_next);
    end loop;
    return (select array_agg(c.relname::text order by a.place)
            from unnest(v_all) with ordinality as a (oid, place) join pg_class c on c.oid = a.oid);
end
$$;

-- How many rows of the workspace a table holds, and a digest of what they say, whatever their order.
create function system.digest_of(p_tenant uuid, p_schema text, p_table text) returns table (row_count bigint, digest text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns text;
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    select string_agg(quote_ident(a.attname), ', ' order by a.attname) into v_columns
    from pg_attribute a
    where a.attrelid = format('%I.%I', p_schema, p_table)::regclass and a.attnum > 0 and not a.attisdropped;
    return query execute format(
        'select count(*), coalesce(sum((''x'' || left(d.md5, 16))::bit(64)::bigint), 0)::text
             || ''.'' || coalesce(sum((''x'' || right(d.md5, 16))::bit(64)::bigint), 0)::text
         from (select md5(row(%s)::text) as md5 from %I.%I offset 0) d', v_columns, p_schema, p_table);
end
$$;

-- Copies the workspace's rows of one table.
create function system.copy_table(p_tenant uuid, p_from text, p_to text, p_table text) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns text;
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    select string_agg(quote_ident(a.attname), ', ' order by a.attname) into v_columns
    from pg_attribute a
    where a.attrelid = format('%I.%I', p_from, p_table)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
    execute format('insert into %1$I.%2$I (%3$s) select %3$s from %4$I.%2$I', p_to, p_table, v_columns, p_from);
end
$$;

-- Removes the workspace's rows from a schema in which it no longer is.
create function system.clear_rows(p_tenant uuid, p_schema text) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
    v_rows bigint;
    v_all bigint := 0;
begin
    if exists (select from system.tenants t where t.id = p_tenant and t.schema_name = p_schema) then
        raise exception 'the workspace is in %', p_schema;
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true);
    for v_table in select t.name from unnest(system.tables_of(p_schema)) with ordinality as t (name, place) order by t.place desc loop
        execute format('delete from %I.%I', p_schema, v_table);
        get diagnostics v_rows = row_count;
        v_all := v_all + v_rows;
    end loop;
    return v_all;
end
$$;

-- Asks for a move: the platform's decision, which the workspace's log tells. SB404: no such workspace; SB409 `workspace_state`: it
-- is there already, or neither active nor suspended; SB409 `operation_open`: another operation has to end first.
create function system.move_ask(p_tenant uuid, p_id uuid, p_to text, p_audit uuid) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_placement text;
    v_state text;
begin
    select t.placement, t.state into v_placement, v_state from system.tenants t
    where t.id = p_tenant and t.state not in ('spare', 'provisioning', 'deleted');
    if v_placement is null then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    if v_placement = p_to or v_state not in ('active', 'suspended') then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    begin
        insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
        values (p_id, p_tenant, 'move', true, jsonb_build_object('to', p_to), system.now(), system.now());
    exception when unique_violation then
        raise exception using errcode = 'SB409', message = 'operation_open';
    end;
    perform system.write_platform_audit(p_tenant, p_audit, 'workspace.move', jsonb_build_object('to', p_to));
end
$$;

-- Stops claims, as a suspension does, and says what the state was before; the steward remembers it.
create function system.move_pause(p_tenant uuid) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_state text;
begin
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    select t.state into v_state from system.tenants t where t.id = p_tenant for update;
    update system.tenants t set state = 'suspending' where t.id = p_tenant and t.state = 'active';
    return v_state;
end
$$;

-- Holds the workspace alone: every transaction in it has ended, none begins.
create function system.move_hold(p_tenant uuid) returns void
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$ select pg_advisory_xact_lock(6, hashtext(p_tenant::text)) $$;

-- Gives the workspace its state back, and makes what it owes due at once: messages name the place where it was, and those
-- that came meanwhile were refused.
create function system.move_resume(p_tenant uuid, p_state text) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.tenants t set state = p_state where t.id = p_tenant and t.state = 'suspending';
    update system.outbox o set resend_at = least(o.resend_at, greatest(o.available_at, system.now())) where o.tenant_id = p_tenant;
end
$$;

revoke execute on function
    system.tables_of(text), system.digest_of(uuid, text, text), system.copy_table(uuid, text, text, text),
    system.clear_rows(uuid, text), system.move_ask(uuid, uuid, text, uuid), system.move_pause(uuid),
    system.move_hold(uuid), system.move_resume(uuid, text)
    from public;

-- Moves between databases. One of the two is the first, which says where workspaces are. The rows travel by way of the steward,
-- as JSON; nothing here reaches another database.

-- As before, with the database it goes to (null: the first) where that is another than this.
create function system.move_ask(p_tenant uuid, p_id uuid, p_to text, p_audit uuid, p_far boolean, p_database text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform system.move_ask(p_tenant, p_id, p_to, p_audit);
    if p_far then
        update system.operations o set request = o.request || jsonb_build_object('far', true, 'database', p_database) where o.id = p_id;
    end if;
end
$$;

-- A workspace that has left and not arrived yet, or arrived and is not open yet, is `moving` to whoever asks where it is: neither
-- here nor nowhere. It has a name and was claimed, which tells it from one that is being made.
create or replace function system.moved_to(p_tenant uuid, p_schema text) returns text
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select case t.state when 'provisioning' then 'moving' else t.schema_name end from system.tenants t
    where t.id = p_tenant
      and (t.state not in ('spare', 'provisioning', 'deleted') or t.state = 'provisioning' and t.claimed_at is not null)
      and (p_schema in (t.schema_name, 't_' || replace(t.id::text, '-', ''))
           or exists (select from system.past_places p where p.tenant_id = p_tenant and p.schema_name = p_schema))
$$;

-- Tables of schema system whose rows do not go along: what belongs to the database, to the platform's own people or to an instant,
-- and what is written anew on arrival.
create function system.stays_behind() returns text[]
    language sql immutable
    set search_path = pg_catalog, pg_temp
as $$
    select array['homes', 'directories', 'canaries', 'isolation_evidence', 'rollout_failures', 'rate_buckets', 'operator_grants',
                 'operator_audit', 'tombstones']
$$;

-- Tables of schema system with rows of workspaces that go along, each after those it refers to; people first.
create function system.tables_along() returns text[]
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select array['users'] || array_agg(t.name order by t.place)
    from unnest(system.tables_of('system')) with ordinality as t (name, place)
    where t.name <> all (system.stays_behind())
      and (t.name = 'tenants' or exists (select from pg_attribute a where a.attrelid = format('system.%I', t.name)::regclass
                                          and a.attname = 'tenant_id' and not a.attisdropped))
$$;

-- What is known of a workspace beside its own tables: a row for each table. Of people, those whom any of the other rows names.
create function system.rows_along(p_tenant uuid, p_operation uuid) returns table (name text, content jsonb)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_key record;
    v_people uuid[] := '{}';
    v_some uuid[];
begin
    for v_key in
        select c.conrelid::regclass::text as referring, a.attname as column_name
        from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.contype = 'f' and c.confrelid = 'system.users'::regclass and cardinality(c.conkey) = 1
          and exists (select from pg_attribute t where t.attrelid = c.conrelid and t.attname = 'tenant_id')
    loop
        execute format('select array_agg(distinct x.%I) from %s x where x.tenant_id = $1 and x.%1$I is not null',
                       v_key.column_name, v_key.referring) into v_some using p_tenant;
        v_people := v_people || coalesce(v_some, '{}');
    end loop;
    foreach name in array system.tables_along() loop
        execute format('select coalesce(jsonb_agg(to_jsonb(x)), ''[]'') from system.%I x where %s', name, case name
            when 'users' then 'x.id = any ($2)'
            when 'tenants' then 'x.id = $1'
            when 'operations' then 'x.tenant_id = $1 and x.id <> $3'
            else 'x.tenant_id = $1' end)
        into content using p_tenant, v_people, p_operation;
        return next;
    end loop;
end
$$;

-- The columns of a table that are written, in one order.
create function system.columns_of(p_table regclass) returns text
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select string_agg(quote_ident(a.attname), ', ' order by a.attname)
    from pg_attribute a where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
$$;

-- Takes them in. Somebody who is known here stays who they are; under another id they are somebody else, and it fails.
create function system.put_along(p_name text, p_rows jsonb) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if p_name <> all (system.tables_along()) then
        raise exception 'rows of % do not go along', p_name;
    end if;
    execute format('insert into system.%1$I (%2$s) overriding system value
                    select %2$s from jsonb_populate_recordset(null::system.%1$I, $1) %3$s',
                   p_name, system.columns_of(format('system.%I', p_name)::regclass),
                   case p_name when 'users' then 'on conflict (id) do nothing' else '' end)
    using p_rows;
end
$$;

-- A workspace's own rows of one table, as JSON, and back.
create function system.rows_of(p_tenant uuid, p_schema text, p_table text) returns setof text
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    return query execute format('select to_jsonb(x)::text from %I.%I x', p_schema, p_table);
end
$$;

create function system.put_rows(p_tenant uuid, p_schema text, p_table text, p_rows jsonb) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    execute format('insert into %1$I.%2$I (%3$s) overriding system value
                    select %3$s from jsonb_populate_recordset(null::%1$I.%2$I, $1)',
                   p_schema, p_table, system.columns_of(format('%I.%I', p_schema, p_table)::regclass))
    using p_rows;
end
$$;

-- What is known of the directory of a workspace, which has one unless it is a sandbox.
create function system.directory_along(p_tenant uuid) returns jsonb
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $$ select to_jsonb(d) from system.directories d where d.tenant_id = p_tenant $$;

-- Whether this database is a directory's own, or may become so: nobody else is here, nor on the list to come. A sandbox is of the
-- workspace beside it.
create function system.is_free_for(p_directory uuid) returns boolean
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select not exists (
               select from system.directories d
               where d.id <> p_directory and (d.tenant_id is not null
                     or d.first_administrator is distinct from '00000000-0000-0000-0000-000000000000'))
       and (exists (select from system.directories d where d.id = p_directory and d.tenant_id is not null)
            or not exists (select from system.tenants t
                           where t.state not in ('spare', 'provisioning', 'deleted')
                             and not exists (select from system.canaries k where k.tenant_id = t.id)))
$$;

-- Whether some of these people are known here under other ids.
create function system.known_otherwise(p_people jsonb) returns boolean
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from jsonb_populate_recordset(null::system.users, p_people) x
        join system.users u on u.provider = x.provider and u.directory_id = x.directory_id and u.object_id = x.object_id
        where u.id <> x.id)
$$;

-- Whether a workspace, and its directory, may come here: nobody else has this database for their own.
create function system.may_come(p_tenant uuid, p_directory jsonb, p_alone boolean) returns boolean
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select not exists (select from system.tenants t where t.id = p_tenant and t.state not in ('provisioning', 'deleted'))
       and (not p_alone or system.is_free_for((p_directory ->> 'id')::uuid))
$$;

-- It has come: listed in its new place, not open yet. People of other directories are guests where those are not listed.
create function system.settle_moved(p_tenant uuid, p_placement text, p_cell text, p_schema text, p_directory jsonb) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into system.past_places (tenant_id, schema_name, placement, moved_at)
    select t.id, t.schema_name, t.placement, system.now() from system.tenants t where t.id = p_tenant
    on conflict on constraint past_places_pkey do update set moved_at = excluded.moved_at;
    update system.tenants t
    set state = 'provisioning', placement = p_placement, cell = p_cell, database_name = current_database(), schema_name = p_schema,
        role_name = p_schema
    where t.id = p_tenant;
    -- The first database leads elsewhere until it has arrived.
    insert into system.directories as d (provider, id, name, state, first_administrator, tenant_id, placement, created_at)
    select x.provider, x.id, x.name, x.state, x.first_administrator, p_tenant, p_placement, x.created_at
    from jsonb_populate_record(null::system.directories, p_directory) x
    on conflict (provider, id) do update
    set tenant_id = excluded.tenant_id, name = excluded.name, first_administrator = excluded.first_administrator,
        placement = excluded.placement
    where d.database_name is null;
    update system.memberships m set guest = true
    from system.users u
    where m.tenant_id = p_tenant and u.id = m.user_id
      and not exists (select from system.directories d where d.provider = u.provider and d.id = u.directory_id);
end
$$;

-- It has left, and is not open anywhere until it has arrived. Where this is the first database, it knows where it goes.
create function system.leave(p_tenant uuid, p_database text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.tenants t set state = 'provisioning' where t.id = p_tenant and t.state in ('suspending', 'suspended');
    if not found then
        raise exception 'the workspace is not at rest';
    end if;
    if p_database is not null then
        insert into system.homes as h (tenant_id, database_name, placed_at) values (p_tenant, p_database, system.now())
        on conflict (tenant_id) do update set database_name = excluded.database_name, placed_at = excluded.placed_at;
        update system.directories d set tenant_id = null, database_name = p_database, placement = 'dedicated'
        where d.tenant_id = p_tenant;
    end if;
end
$$;

-- It has arrived, and is open. The move that brought it is one of its operations.
create function system.arrive(p_tenant uuid, p_state text, p_directory jsonb, p_operation jsonb) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    delete from system.homes h where h.tenant_id = p_tenant;
    update system.directories d set tenant_id = p_tenant, database_name = null,
        placement = (select t.placement from system.tenants t where t.id = p_tenant)
    where d.provider = p_directory ->> 'provider' and d.id = (p_directory ->> 'id')::uuid;
    update system.tenants t set state = p_state where t.id = p_tenant and t.state = 'provisioning';
    if not found and not exists (select from system.operations o where o.id = (p_operation ->> 'id')::uuid) then
        raise exception 'the workspace has not come';
    end if;
    insert into system.operations (id, tenant_id, kind, exclusive, state, step, request, result, not_before, created_at, started_at, finished_at)
    select x.id, p_tenant, x.kind, x.exclusive, 'succeeded', 'clear', x.request, x.result, x.not_before, x.created_at, x.started_at, system.now()
    from jsonb_populate_record(null::system.operations, p_operation) x
    on conflict (id) do nothing;
    update system.outbox o set resend_at = least(o.resend_at, greatest(o.available_at, system.now())) where o.tenant_id = p_tenant;
end
$$;

-- Nothing is left of it here but that it is elsewhere.
create function system.forget_moved(p_tenant uuid, p_tables text[]) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from system.tenants t where t.id = p_tenant and t.state <> 'provisioning') then
        raise exception 'the workspace is here';
    end if;
    perform system.purge_rows(p_tenant, p_tables);
    delete from system.tenant_keys k where k.tenant_id = p_tenant;
    delete from system.operations o where o.tenant_id = p_tenant;
    delete from system.directories d where d.tenant_id = p_tenant;
    delete from system.tenants t where t.id = p_tenant and t.state = 'provisioning';
end
$$;

revoke execute on function
    system.move_ask(uuid, uuid, text, uuid, boolean, text), system.stays_behind(), system.tables_along(),
    system.rows_along(uuid, uuid), system.columns_of(regclass), system.put_along(text, jsonb), system.rows_of(uuid, text, text),
    system.put_rows(uuid, text, text, jsonb), system.directory_along(uuid), system.is_free_for(uuid),
    system.known_otherwise(jsonb), system.may_come(uuid, jsonb, boolean),
    system.settle_moved(uuid, text, text, text, jsonb), system.leave(uuid, text), system.arrive(uuid, text, jsonb, jsonb),
    system.forget_moved(uuid, text[])
    from public;

-- The sweep for leftovers: where a workspace is that is elsewhere is nobody's leftover; and a server that holds several of our
-- databases has the roles of each.
create function system.is_tenant_role_here(p_role oid, p_name text) returns boolean
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select p_name ~ '^t_[0-9a-f]{32}$'
       and not exists (select from pg_shdepend s join pg_database d on d.oid = s.dbid
                       where s.refclassid = 'pg_authid'::regclass and s.refobjid = p_role and d.datname <> current_database())
$$;
revoke execute on function system.is_tenant_role_here(oid, text) from public;

do $$
declare
    v_before text := pg_get_functiondef('system.leftovers()'::regprocedure);
    v_text text := v_before;
begin
    v_text := replace(v_text, $q$r.rolname ~ '^t_[0-9a-f]{32}$'$q$, 'system.is_tenant_role_here(r.oid, r.rolname)');
    v_text := replace(v_text, $q$'operator_audit')$q$, $q$'operator_audit', 'homes')$q$);
    if strpos(v_text, 'is_tenant_role_here') = 0 or strpos(v_text, $q$'homes'$q$) = 0 then
        raise exception 'system.leftovers is not as it was';
    end if;
    execute v_text;
end
$$;

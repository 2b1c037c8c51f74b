-- Databases beside the first. Each is a whole installation of this schema, for the workspaces that are in it; of a directory and
-- of a workspace that are elsewhere the first one knows where, and no more.

-- Where a workspace is that is in another database. Written before the workspace is made there, so that one which is not listed
-- is here; kept when it is gone, as its id is.
create table system.homes (
    tenant_id uuid primary key,
    database_name text not null check (database_name ~ '^[a-z][a-z0-9_]{0,30}$'),
    placed_at timestamptz not null
);
alter table system.homes enable row level security;
insert into system.exported_tables (name, columns) values ('homes', '');

-- For whoever enters workspaces, and for sign-in: which database a workspace is in; null for this one and for one that never was.
create function system.home_of(p_tenant uuid) returns text
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$ select h.database_name from system.homes h where h.tenant_id = p_tenant $$;
revoke execute on function system.home_of(uuid) from public;
grant execute on function system.home_of(uuid) to cell_0001;

-- A directory whose workspace is in another database: whose it is alone, if it is a database of one's own.
alter table system.directories add column database_name text check (database_name ~ '^[a-z][a-z0-9_]{0,30}$');
create unique index directories_elsewhere on system.directories (database_name) where database_name is not null;

alter table system.directories drop constraint directories_placement_check;
alter table system.directories add constraint directories_placement_check check (placement in ('pooled', 'schema', 'dedicated'));
alter table system.past_places drop constraint past_places_placement_check;
alter table system.past_places add constraint past_places_placement_check check (placement in ('pooled', 'schema', 'dedicated'));
drop index system.tenants_cell;
create index tenants_cell on system.tenants (cell) where placement <> 'pooled' and state <> 'deleted';

-- SB307: the caller has to go to the database that is named.
create function system.not_elsewhere(p_database text) returns void
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if p_database is not null then
        raise exception using errcode = 'SB307', message = p_database;
    end if;
end
$$;
revoke execute on function system.not_elsewhere(text) from public;

-- Sign-in: whose directory is elsewhere is sent there; a directory that is blocked is so for guests of every database.
do $$
declare
    v_change text[];
    v_function oid;
    v_is_changed boolean;
begin
    foreach v_change slice 1 in array array[
        array['sign_in', $q$    insert into system.users as u (id, provider$q$,
              $q$    perform system.not_elsewhere(v_dir.database_name);
    insert into system.users as u (id, provider$q$],
        array['sign_in_service', $q$    select u.id, t.id into v_user, v_tenant$q$,
              $q$    perform system.not_elsewhere(d.database_name) from system.directories d
    where d.provider = p_provider and d.id = p_directory and d.state = 'onboarded';
    select u.id, t.id into v_user, v_tenant$q$],
        array['sign_in_guest', $q$    if v_state = 'blocked' then
        raise exception using errcode = 'SB403', message = 'not_onboarded';$q$,
              $q$    if v_state = 'blocked' then
        raise exception using errcode = 'SB403', message = 'blocked';$q$]
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

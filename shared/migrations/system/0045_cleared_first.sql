-- A workspace comes back into a database only once what its last move has left there is cleared. The clearing is an operation of
-- the database that was left, and the only thing that knows the schema which is left: to make room for the next move would
-- forget it.
create function system.is_cleared(p_tenant uuid) returns boolean
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $$ select not exists (select from system.operations o where o.tenant_id = p_tenant and o.finished_at is null) $$;
revoke execute on function system.is_cleared(uuid) from public;

-- Cluster-wide roles. Run by the steward's DDL login before any migration; every statement may run again.
-- Role options that differ between server versions (membership without inheritance) are granted by the steward.
do $$
declare
    wanted text;
begin
    foreach wanted in array array[
        'signalbox_owner',      -- owns schema system and every tenant schema; nobody logs in as it
        'signalbox_tenants',    -- what every tenant role may do in schema system: a few functions
        'system_signin', 'system_portal', 'system_scheduler', 'system_dispatcher', 'system_operators',
        'signalbox_sweeper',    -- sees whose rows there are in a pool, and nothing else
        'cell_0001'             -- holds the tenant roles of one cell
    ] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            execute pg_catalog.format('create role %I nologin noinherit', wanted);
        end if;
    end loop;
end
$$;

-- Since when something of a workspace waits to be sealed, for whoever watches over it: the instant in `at` is the next try's.
alter table system.due add column since timestamptz;

-- As before, and says since when.
create or replace function system.note_unsealed() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
    if v_tenant is not null and not exists (
        select from system.due d where d.tenant_id = v_tenant and d.kind = 'seal' and d.horizon is null
    ) then
        insert into system.due (tenant_id, kind, ref, at, since)
        values (v_tenant, 'seal', gen_random_uuid(), system.now(), system.now());
    end if;
    return null;
end
$$;

-- Audit and event rows are sealed after they are committed. A `seal` row of the due index says that a workspace has rows
-- which no seal covers yet; the steward's sealing claims it, the scheduler never does.
alter table system.due drop constraint due_kind_check;
alter table system.due add constraint due_kind_check check (kind in ('schedule', 'poll', 'watch', 'wake', 'seal'));

-- Kind `seal` only. Null: the row is open, and whoever writes audit or events may rely on it. Set: the sealing has taken it,
-- and it may go once every transaction below the horizon has ended (shared/sql/owner/rest_delete.sql says why).
alter table system.due add column horizon xid8;
create index due_seal on system.due (at) where kind = 'seal';

-- After each insert into `audit` or `events`: says so, unless an open row says it already. It reads first, and each writer
-- that finds none adds a row of its own: no two writers meet on a row, so nobody waits and nothing can deadlock here.
create function system.note_unsealed() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
    if v_tenant is not null and not exists (
        select from system.due d where d.tenant_id = v_tenant and d.kind = 'seal' and d.horizon is null
    ) then
        insert into system.due (tenant_id, kind, ref, at) values (v_tenant, 'seal', gen_random_uuid(), system.now());
    end if;
    return null;
end
$$;
revoke execute on function system.note_unsealed() from public;

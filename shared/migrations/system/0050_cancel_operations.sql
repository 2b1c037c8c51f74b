-- Cancelling an export, a backup or a restore; and how often a step was begun and left behind.

-- Claims of the step that comes next whose holder neither ended nor failed it: their lease ran out. Whoever ends a step begins
-- to count anew.
alter table system.operations add column abandoned integer not null default 0;

-- Cancels an export, a backup or a restore: at once where it has not begun; else it is taken away from whoever is at it, and goes
-- back the way it came, once they can have noticed. False: there is nothing to change, for it is on its way back already, was
-- cancelled, or is not there. SB409 `operation_ended`: it is over; SB409 `not_cancellable`: it is of a kind that is always
-- finished, or the workspace that it makes is there.
create or replace function system.operation_cancel(p_id uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_operation record;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not cancel operations';
    end if;
    select o.kind, o.state, o.step, o.progress ->> 'new' as made into v_operation from system.operations o
    where o.tenant_id = v_tenant and o.id = p_id
    for update;
    if v_operation.state is null or v_operation.state = 'cancelled' then
        return false;
    end if;
    if v_operation.state not in ('pending', 'running') then
        raise exception using errcode = 'SB409', message = 'operation_ended';
    end if;
    if v_operation.kind not in ('export', 'backup', 'restore')
       or exists (select from system.tenants t where t.schema_name = v_operation.made and t.state <> 'provisioning') then
        raise exception using errcode = 'SB409', message = 'not_cancellable';
    end if;
    if v_operation.step = 'undo' then
        return false;
    end if;
    if v_operation.state = 'pending' then
        update system.operations o set state = 'cancelled', finished_at = system.now() where o.id = p_id;
    else
        update system.operations o
        set step = 'undo', progress = o.progress || '{"undo": {"cancelled": true}}', epoch = o.epoch + 1, lease_until = null,
            failures = 0, abandoned = 0, not_before = system.now() + interval '3 seconds'
        where o.id = p_id;
    end if;
    return true;
end
$$;

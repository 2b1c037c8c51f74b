-- What was missed is not made up for: the next one is the next of its round that is still to come.
with due as (
    update system.backup_schedules
    set last_at = system.now(),
        next_at = next_at
            + make_interval(hours => every_hours * (1 + floor(extract(epoch from system.now() - next_at) / (3600 * every_hours))::integer))
    where tenant_id = $2 and next_at <= system.now()
    returning tenant_id
)
insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
select $1, d.tenant_id, 'backup', false, jsonb_build_object('scheduled', true), system.now(), system.now()
from due d

with next as (
    select o.id
    from system.operations o
    where o.finished_at is null and o.not_before <= system.now() and (o.lease_until is null or o.lease_until <= system.now())
    order by o.not_before
    limit 1
    for no key update skip locked
)
update system.operations o
set state = 'running', epoch = o.epoch + 1, lease_until = system.now() + make_interval(secs => $1),
    started_at = coalesce(o.started_at, system.now())
from next, system.tenants t
where o.id = next.id and t.id = o.tenant_id
returning o.id, o.tenant_id, t.schema_name, o.kind, o.step, o.request, o.progress, o.epoch, o.requested_by

with next as (
    select o.id
    from system.operations o
    where o.finished_at is null and o.not_before <= system.now() and (o.lease_until is null or o.lease_until <= system.now())
      -- A move waits for what is being done to the workspace, and everything else for a move that has begun.
      and not exists (
          select from system.operations r
          where r.tenant_id = o.tenant_id and r.id <> o.id and r.finished_at is null
            and (r.kind = 'move' and r.state = 'running' or o.kind = 'move' and r.lease_until > system.now()))
    order by o.not_before
    limit 1
    for no key update skip locked
)
update system.operations o
set state = 'running', epoch = o.epoch + 1, abandoned = o.abandoned + (o.lease_until is not null)::integer,
    started_at = coalesce(o.started_at, system.now()),
    lease_until = system.now() + make_interval(secs => case when o.kind = 'move' and o.step = any ($2) then $3::integer else $1::integer end)
from next, system.tenants t
where o.id = next.id and t.id = o.tenant_id
returning o.id, o.tenant_id, t.schema_name, o.kind, o.step, o.request, o.progress, o.epoch, o.failures, o.abandoned, o.requested_by

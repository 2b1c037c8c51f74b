with owed as (
    select o.id
    from system.outbox o
    where o.resend_at <= system.now()
    order by o.resend_at
    limit $1
    for update skip locked
)
update system.outbox o
set sends = o.sends + 1,
    resend_at = greatest(o.available_at, system.now()) + least(interval '900 seconds', interval '60 seconds' * power(2, least(o.sends, 10)))
from owed w
join system.outbox p on p.id = w.id
join system.tenants t on t.id = p.tenant_id
where o.id = w.id
returning o.id, o.tenant_id, t.schema_name, t.state, o.kind, o.ref, o.available_at as at, system.now() as now

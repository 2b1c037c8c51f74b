with owed as (
    select o.id
    from system.outbox o
    where o.resend_at <= system.now()
    order by o.resend_at
    limit 50
    for update skip locked
), taken as (
    update system.outbox o
    set sends = o.sends + 1,
        resend_at = greatest(o.available_at, system.now()) + least(interval '15 minutes', interval '60 seconds' * power(2, least(o.sends, 10)))
    from owed
    where o.id = owed.id
    returning o.id, o.tenant_id, o.kind, o.ref, o.available_at
)
select t.id as tenant_id, t.schema_name, taken.kind, taken.ref, 0 as round, null::timestamptz as at, taken.id as outbox,
       least(900, greatest(0, ceil(extract(epoch from taken.available_at - system.now()))))::integer as delay_s
from taken
join system.tenants t on t.id = taken.tenant_id
where t.state in ('active', 'suspending', 'suspended', 'deleting', 'purging')

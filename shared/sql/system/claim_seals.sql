with due as (
    select d.tenant_id, d.kind, d.ref
    from system.due d
    where d.kind = 'seal'
      and d.at <= system.now()
    order by d.at
    limit $1
    for update skip locked
), taken as (
    update system.due d
    set at = system.now() + interval '120 seconds',
        horizon = coalesce(d.horizon, '18446744073709551615')
    from due
    where d.tenant_id = due.tenant_id and d.kind = due.kind and d.ref = due.ref
    returning d.tenant_id
)
select distinct t.id as tenant_id, t.schema_name
from taken
join system.tenants t on t.id = taken.tenant_id
where t.state in ('active', 'suspending', 'suspended', 'deleting')

with claimed as (
    select d.tenant_id, d.kind, d.ref, d.at
    from system.due d
    where d.at <= system.now() + interval '90 seconds'
      and d.at <= system.now() + case d.kind
          when 'schedule' then interval '90 seconds'
          when 'poll' then interval '0'
          else interval '60 seconds'
      end
    order by d.at
    limit $1
    for update skip locked
)
update system.due d
set round = d.round + 1, at = greatest(d.at, system.now()) + interval '120 seconds'
from claimed c
join system.tenants t on t.id = c.tenant_id
where d.tenant_id = c.tenant_id and d.kind = c.kind and d.ref = c.ref
returning d.tenant_id, t.schema_name, t.state, d.kind, d.ref, d.round, c.at, system.now() as now

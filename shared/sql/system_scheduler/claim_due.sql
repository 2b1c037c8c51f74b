with due as (
    select d.tenant_id, d.kind, d.ref, d.at, d.round
    from system.due d
    where d.kind <> 'seal'
      and d.at <= system.now() + interval '90 seconds'
      and d.at <= system.now() + case d.kind
          when 'schedule' then interval '90 seconds'
          when 'poll' then interval '0'
          else interval '60 seconds'
      end
    order by d.at
    limit 50
    for update skip locked
), taken as (
    update system.due d
    set at = greatest(due.at, system.now()) + interval '120 seconds', round = d.round + 1
    from due
    where d.tenant_id = due.tenant_id and d.kind = due.kind and d.ref = due.ref
    returning d.tenant_id, d.kind, d.ref, due.at as fell_due, d.round
)
select t.id as tenant_id, t.schema_name, taken.kind, taken.ref, taken.round,
       case when taken.kind = 'schedule' then taken.fell_due end as at,
       null::uuid as outbox,
       greatest(0, ceil(extract(epoch from taken.fell_due - system.now())))::integer as delay_s
from taken
join system.tenants t on t.id = taken.tenant_id
where t.state = 'active' or t.state in ('suspending', 'suspended', 'deleting', 'purging') and taken.kind <> 'schedule'

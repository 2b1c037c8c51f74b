-- The ends that were planned as they were made are due now.
update system.operations e
set not_before = system.now()
from (
    select o.id, row_number() over (order by o.created_at desc, o.id desc) as place
    from system.operations o
    where o.tenant_id = $1 and o.kind = 'backup' and o.state = 'succeeded' and o.id <> $2
      and o.request ->> 'scheduled' = 'true' and not coalesce(o.result, '{}') ? 'purged_at'
) b, system.backup_schedules s
where s.tenant_id = $1 and b.place >= s.keep
  and e.tenant_id = $1 and e.kind = 'expiry' and e.state = 'pending' and e.request ->> 'id' = b.id::text
  and e.not_before > system.now()

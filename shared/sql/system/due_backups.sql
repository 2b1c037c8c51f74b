-- Not beside what is exclusive, and one at a time: such a workspace's turn comes once that has ended.
select s.tenant_id
from system.backup_schedules s
join system.tenants t on t.id = s.tenant_id
where s.next_at <= system.now() and t.state in ('active', 'suspending', 'suspended')
  and not exists (
      select from system.operations o
      where o.tenant_id = s.tenant_id and o.finished_at is null and (o.exclusive or o.kind = 'backup'))
order by s.next_at
limit 500

insert into system.memberships (tenant_id, user_id, role, guest, created_at, updated_at)
select t.id, m.user_id, m.role, m.guest, system.now(), system.now()
from system.tenants t
join system.memberships m on m.tenant_id = t.sandbox_of and m.state = 'active' and m.role = 'administrator'
where t.id = $1 and t.state not in ('purging', 'deleted')
on conflict (tenant_id, user_id) do nothing

select t.id as tenant_id, t.schema_name
from system.tenants t
where t.id > coalesce((select r.after from system.isolation_rounds r), '00000000-0000-0000-0000-000000000000')
  and t.state in ('active', 'suspending', 'suspended')
order by t.id
limit $1

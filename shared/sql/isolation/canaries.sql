select t.id as tenant_id, t.schema_name, t.placement
from system.canaries c
join system.tenants t on t.id = c.tenant_id
order by t.id

select p.schema_name
from system.pools p
where not exists (
    select from system.canaries c
    join system.tenants t on t.id = c.tenant_id
    where t.schema_name = p.schema_name)
order by p.schema_name
limit 1
for update

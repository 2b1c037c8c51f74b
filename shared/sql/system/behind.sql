select id, schema_version
from system.tenants
where schema_version < $1 and state <> 'deleted'
order by state = 'spare' desc, id
limit $2

select id
from system.tenants
where schema_name = $1 and state not in ('provisioning', 'deleted')

select t.id
from system.tenants t
where t.id = any($1) and t.state <> 'deleted'

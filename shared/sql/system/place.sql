select schema_name, placement, cell, schema_version, state
from system.tenants
where id = $1

select distinct schema_name, tenant_id
from system.inhabitants()

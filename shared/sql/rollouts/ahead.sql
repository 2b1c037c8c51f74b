select count(*) as tenants
from (
    select from system.tenants where schema_version >= $1 and state not in ('deleted', 'spare') limit $2
) a

select count(*) as tenants
from (
    select
    from system.tenants t
    where t.schema_version >= $1 and t.state not in ('deleted', 'spare')
      and not exists (select from system.canaries c where c.tenant_id = t.id)
    limit $2
) a

with spare as (
    select t.id from system.tenants t where t.state = 'spare' for no key update
)
update system.tenant_keys k
set root_version = (select r.version from system.roots r where r.is_current)
from spare
where k.tenant_id = spare.id and k.root_version is distinct from (select r.version from system.roots r where r.is_current)

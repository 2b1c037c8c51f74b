select t.id
from system.tenants t
where t.state in ('active', 'suspending', 'suspended', 'deleting') and t.id > $1
  and not exists (select from system.operations o where o.tenant_id = t.id and o.kind = 'rotation' and o.finished_at is null)
  and exists (select from system.tenant_keys k
              where k.tenant_id = t.id and k.retired_at is null
                and k.root_version is distinct from (select r.version from system.roots r where r.is_current))
order by t.id
limit $2

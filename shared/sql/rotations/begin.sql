select newest.version as newest,
       newest.root_version is not distinct from (select r.version from system.roots r where r.is_current) as has_current_root,
       (select count(*) from system.tenant_keys k where k.tenant_id = $1) as versions,
       exists (select from system.operations o
               where o.tenant_id = $1 and o.kind in ('restore', 'move') and o.finished_at is null) as is_held_up
from system.tenant_keys newest
where newest.tenant_id = $1
order by newest.version desc
limit 1

select t.name, d.id as directory_id,
       (select count(*) from pg_namespace n where n.nspname = t.schema_name and t.placement <> 'pooled') as schemas,
       (select count(*) from pg_roles r where r.rolname = t.role_name and t.placement <> 'pooled') as roles,
       o.requested_by, o.created_at as requested_at, o.not_before as grace_until, system.now() as now
from system.tenants t
left join system.directories d on d.tenant_id = t.id
left join system.operations o on o.id = $2
where t.id = $1

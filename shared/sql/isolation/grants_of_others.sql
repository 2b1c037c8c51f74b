select count(*)::integer as attempts,
       coalesce(array_agg(r.rolname::text) filter (where has_schema_privilege(r.oid, n.oid, 'usage, create')), '{}') as crossed
from system.tenants t
join pg_catalog.pg_roles r on r.rolname = t.role_name
join pg_catalog.pg_namespace n on n.nspname = $1
where t.role_name <> $1

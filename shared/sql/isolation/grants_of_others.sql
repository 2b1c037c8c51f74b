select count(*)::integer as attempts,
       coalesce(array_agg(t.role_name) filter (where has_schema_privilege(t.role_name, $1, 'usage, create')), '{}') as crossed
from system.tenants t
where t.role_name <> $1 and t.state not in ('deleted', 'provisioning')

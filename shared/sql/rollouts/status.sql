select r.version, r.state, r.until, r.cause, r.migrated, r.started_at, r.updated_at,
       (select count(*) from system.tenants t where t.schema_version < r.version and t.state not in ('purging', 'deleted')) as behind,
       (select coalesce(jsonb_agg(jsonb_build_object('tenant_id', f.tenant_id, 'error', f.error) order by f.at), '[]')
        from (select from_f.tenant_id, from_f.error, from_f.at from system.rollout_failures from_f
              where from_f.version = r.version order by from_f.at limit 20) f) as failures
from system.rollouts r
where r.version = $1

with failure as (
    insert into system.rollout_failures as f (version, tenant_id, error, at)
    select $1, t.id, $4, system.now()
    from system.tenants t
    where t.id = $2
    on conflict (version, tenant_id) do update set error = excluded.error, at = excluded.at
)
update system.rollouts
set state = 'stopped', cause = $3 || ': ' || $4, updated_at = system.now()
where version = $1

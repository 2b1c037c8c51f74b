with failure as (
    insert into system.rollout_failures as f (version, tenant_id, error, at)
    values ($1, $2, $3, system.now())
    on conflict (version, tenant_id) do update set error = excluded.error, at = excluded.at
    returning f.version
)
update system.rollouts r
set state = 'stopped', updated_at = system.now()
from failure
where r.version = failure.version

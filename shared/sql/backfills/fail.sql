with failed as (
    update system.owed_backfills
    set state = 'failed', error = $3, updated_at = system.now()
    where tenant_id = $1 and version = $2 and state = 'open'
    returning version
)
update system.migration_backfills b
set state = 'stopped'
from failed
where b.version = failed.version
  and (select count(*) from system.owed_backfills o where o.version = $2 and o.state = 'failed') + 1 >= $4

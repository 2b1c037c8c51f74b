with again as (
    update system.owed_backfills
    set state = 'open', error = null, not_before = system.now(), updated_at = system.now()
    where state = 'failed'
)
update system.migration_backfills
set state = 'running'
where state = 'stopped'

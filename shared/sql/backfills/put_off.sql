update system.owed_backfills
set not_before = system.now() + make_interval(secs => $3)
where tenant_id = $1 and version = $2 and state = 'open'

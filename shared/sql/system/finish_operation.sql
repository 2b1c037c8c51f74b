update system.operations
set state = $3, result = $4, error = $5, finished_at = system.now(), lease_until = null
where id = $1 and epoch = $2 and finished_at is null

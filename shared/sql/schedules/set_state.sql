update schedules
set state = $3, version = version + 1, updated_at = system.now(), updated_by = $4
where id = $1 and version = $2

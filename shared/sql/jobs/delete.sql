update jobs
set deleted_at = system.now(), updated_at = system.now(), updated_by = $3
where id = $1 and version = $2 and deleted_at is null

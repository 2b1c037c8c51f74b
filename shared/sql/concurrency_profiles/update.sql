update concurrency_profiles
set name = $3, capacity = $4, version = version + 1, updated_at = system.now(), updated_by = $5
where id = $1 and version = $2
returning id, name, capacity as "limit", version, created_at, updated_at, updated_by

insert into concurrency_profiles (id, name, capacity, created_at, updated_at, updated_by)
values ($1, $2, $3, system.now(), system.now(), $4)
returning id, name, capacity as "limit", version, created_at, updated_at, updated_by

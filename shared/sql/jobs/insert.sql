insert into jobs (id, name, version, created_at, updated_at, updated_by)
values ($1, $2, 1, system.now(), system.now(), $3)

insert into vaults (id, name, kind, created_at, updated_at, updated_by)
values ($1, $2, $3, system.now(), system.now(), $4)
returning id, name, kind, array[]::text[] as credentials, version, created_at, updated_at, updated_by

insert into connections (id, name, kind, settings, vault_id, credential_name, concurrency_profile_id, state,
                         created_at, updated_at, updated_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, system.now(), system.now(), $9)

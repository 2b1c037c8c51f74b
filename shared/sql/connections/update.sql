update connections
set name = $3, settings = $4, vault_id = $5, credential_name = $6, concurrency_profile_id = $7, state = $8,
    version = version + 1, updated_at = system.now(), updated_by = $9
where id = $1 and version = $2

insert into credentials (vault_id, name, key_version, sealed, updated_at, updated_by)
values ($1, $2, $3, $4, system.now(), $5)
on conflict (tenant_id, vault_id, name) do update
    set key_version = excluded.key_version, sealed = excluded.sealed,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by

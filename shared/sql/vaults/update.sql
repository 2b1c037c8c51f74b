update vaults v
set name = $3, version = v.version + 1, updated_at = system.now(), updated_by = $4
where v.id = $1 and v.version = $2
returning v.id, v.name, v.kind,
          array(select c.name from credentials c where c.vault_id = v.id order by c.name limit 1000) as credentials,
          v.version, v.created_at, v.updated_at, v.updated_by

select c.id, c.name, c.kind, c.settings, c.vault_id, v.kind as vault_kind, c.credential_name, k.key_version, k.sealed
from connections c
left join vaults v on v.tenant_id = c.tenant_id and v.id = c.vault_id
left join credentials k on k.tenant_id = c.tenant_id and k.vault_id = c.vault_id and k.name = c.credential_name
where (c.id = any($1) or c.id in (select t.connection_id from task_runs t where t.run_id = any($2) and t.state = 'pending'))
  and c.id <> all ($3)

select c.id, c.name, c.kind, c.settings, v.name as vault, c.credential_name, c.concurrency_profile_id, s.capacity as "limit",
       c.state, c.version, c.created_at, c.updated_at, c.updated_by
from connections c
left join vaults v on v.id = c.vault_id
left join slots s on s.key = c.id
where c.id < $1
order by c.id desc
limit $2

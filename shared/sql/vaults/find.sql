select v.id, v.name, v.kind,
       array(select c.name from credentials c where c.vault_id = v.id order by c.name limit 1000) as credentials,
       v.version, v.created_at, v.updated_at, v.updated_by
from vaults v
where v.name = $1 or v.id = $2
order by (v.id = $2) desc
limit 1

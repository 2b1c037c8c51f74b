select v.id, v.name, v.kind,
       array(select c.name from credentials c where c.vault_id = v.id order by c.name limit 1000) as credentials,
       v.version, v.created_at, v.updated_at, v.updated_by
from vaults v
where v.id < $1
order by v.id desc
limit $2

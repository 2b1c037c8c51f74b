select vault_id, name, key_version, sealed
from credentials
where key_version < $1 and (vault_id, name) > ($2, $3)
order by vault_id, name
limit $4

update credentials c
set key_version = $1, sealed = n.sealed
from unnest($2::uuid[], $3::text[], $4::bytea[], $5::bytea[]) as n (vault_id, name, was, sealed)
where c.vault_id = n.vault_id and c.name = n.name and c.sealed = n.was

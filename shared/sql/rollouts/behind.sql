select id, schema_version
from system.tenants
where schema_version < $1 and state not in ('purging', 'deleted') and (state = 'spare') = $2 and id > $3
order by id
limit $4

-- A pooled spare is no spare here: its pool has people in it.
select id, schema_version
from system.tenants
where schema_version < $1 and state not in ('purging', 'deleted') and (state = 'spare' and placement <> 'pooled') = $2 and id > $3
order by id
limit $4

insert into system.tenants (id, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at)
select $1, 'spare', 'pooled', p.cell, current_database(), p.schema_name, p.schema_name, p.schema_version, system.now()
from system.pools p
where p.schema_name = $2

insert into system.tenants (id, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at)
values ($1, 'spare', $5, $2, current_database(), $3, $3, $4, system.now())

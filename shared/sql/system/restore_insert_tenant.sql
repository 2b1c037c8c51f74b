insert into system.tenants (id, name, state, cell, database_name, schema_name, role_name, schema_version, created_at)
values ($1, '', 'provisioning', $4, current_database(), $2, $2, $3, system.now())
on conflict (id) do nothing

insert into system.tenants (id, name, state, cell, database_name, schema_name, role_name, schema_version, created_at, sandbox_of)
values ($1, '', 'provisioning', $4, current_database(), $2, $2, $3, system.now(), $5)
on conflict (id) do nothing

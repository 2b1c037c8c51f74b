insert into system.tenants (id, name, state, database_name, schema_name, role_name, schema_version, created_at)
values ($1, '', 'provisioning', current_database(), $2, $2, $3, system.now())
on conflict (id) do nothing

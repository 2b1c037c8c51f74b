insert into system.tenants (id, state, database_name, schema_name, role_name, schema_version, created_at)
values ($1, 'spare', current_database(), $2, $2, $3, system.now())

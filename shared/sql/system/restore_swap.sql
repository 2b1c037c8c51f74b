update system.tenants
set schema_name = $3, role_name = $3, schema_version = $4
where id = $1 and schema_name = $2 and state = 'suspended'

update system.tenants
set placement = $3, cell = $4, schema_name = $5, role_name = $5
where id = $1 and schema_name = $2 and schema_version = $6

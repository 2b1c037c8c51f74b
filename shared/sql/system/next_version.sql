update system.tenants
set schema_version = $2
where id = $1 and schema_version = $2 - 1
returning schema_name

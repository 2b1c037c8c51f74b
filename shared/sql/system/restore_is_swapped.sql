select schema_name = $2 as yes from system.tenants where id = $1

delete from system.homes where tenant_id = $1 and database_name = $2

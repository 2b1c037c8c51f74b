delete from system.due where tenant_id = $1

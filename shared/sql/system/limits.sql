select name, value from system.limits where tenant_id = $1

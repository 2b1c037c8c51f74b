delete from system.limits where tenant_id = $1 and name = any ($2)

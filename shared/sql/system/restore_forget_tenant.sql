delete from system.tenants where id = $1 and state = 'provisioning'

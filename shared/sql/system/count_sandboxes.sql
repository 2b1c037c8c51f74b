select count(*) as total from system.tenants where sandbox_of = $1 and state <> 'deleted'

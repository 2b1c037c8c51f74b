update system.tenants
set state = 'suspended'
where id = $1 and state = 'suspending'

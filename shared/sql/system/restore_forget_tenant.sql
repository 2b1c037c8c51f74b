delete from system.tenants where id = $1 and state = 'provisioning' and claimed_at is null

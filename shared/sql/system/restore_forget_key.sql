delete from system.tenant_keys k
using system.tenants t
where k.tenant_id = $1 and t.id = k.tenant_id and t.state = 'provisioning' and t.claimed_at is null

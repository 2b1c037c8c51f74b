insert into system.tenant_keys (tenant_id, version, salt, created_at)
values ($1, 1, $2, system.now())
on conflict (tenant_id, version) do nothing

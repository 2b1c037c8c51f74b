insert into system.tenant_keys (tenant_id, version, salt, root_version, created_at)
values ($1, 1, $2, (select r.version from system.roots r where r.is_current), system.now())
on conflict (tenant_id, version) do nothing

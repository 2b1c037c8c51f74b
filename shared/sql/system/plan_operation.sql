insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
values ($1, $2, $3, false, $4, system.now() + make_interval(hours => $5), system.now())
on conflict (id) do nothing

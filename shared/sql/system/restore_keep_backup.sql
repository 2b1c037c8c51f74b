insert into system.operations (id, tenant_id, kind, exclusive, state, step, request, result, requested_by, not_before, created_at,
                               started_at, finished_at)
values ($1, $2, 'backup', false, 'succeeded', 'expire', $3, $4, $5, system.now(), system.now(), system.now(), system.now())
on conflict (id) do nothing

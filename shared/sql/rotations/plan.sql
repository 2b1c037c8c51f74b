insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
select p.id, p.tenant_id, 'rotation', false, $3, system.now() + make_interval(secs => $4 + $5 * (p.n - 1)), system.now()
from unnest($1, $2) with ordinality as p (id, tenant_id, n)
on conflict do nothing

with planned as (
    insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
    select p.id, p.tenant_id, 'rotation', false, $4::jsonb, system.now() + make_interval(secs => $5 + $6 * (p.n - 1)), system.now()
    from unnest($1, $2) with ordinality as p (id, tenant_id, n)
    on conflict do nothing
    returning id, tenant_id
)
select system.write_platform_audit(p.tenant_id, i.audit_id, 'keys.rotate', $4::jsonb || jsonb_build_object('operation_id', p.id))
from planned p
join unnest($1, $3::uuid[]) as i (id, audit_id) on i.id = p.id

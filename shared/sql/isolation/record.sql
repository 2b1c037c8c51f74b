insert into system.isolation_evidence as e (tenant_id, checked_at, attempts, violations, checks)
select t.id, system.now(), $2, $3, $4
from system.tenants t
where t.id = $1 and t.state in ('active', 'suspending', 'suspended')
on conflict (tenant_id) do update
set checked_at = excluded.checked_at, attempts = excluded.attempts, violations = excluded.violations, checks = excluded.checks

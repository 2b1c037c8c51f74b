insert into system.isolation_evidence as e (tenant_id, checked_at, attempts, violations, checks)
values ($1, system.now(), $2, $3, $4)
on conflict (tenant_id) do update
set checked_at = excluded.checked_at, attempts = excluded.attempts, violations = excluded.violations, checks = excluded.checks

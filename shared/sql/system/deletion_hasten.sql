update system.outbox
set resend_at = least(resend_at, system.now())
where tenant_id = $1 and available_at <= system.now()

update system.sessions set ended_at = system.now() where tenant_id = $1 and ended_at is null

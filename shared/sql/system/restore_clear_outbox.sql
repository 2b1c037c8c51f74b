delete from system.outbox where tenant_id = $1

update system.operations
set result = coalesce(result, '{}') || jsonb_build_object('purged_at', system.now())
where id = $1 and tenant_id = $2 and not coalesce(result, '{}') ? 'purged_at'

update system.owed_backfills
set after = coalesce($3::text, after), changed = changed + $4, state = case when $3::text is null then 'done' else 'open' end,
    updated_at = system.now()
where tenant_id = $1 and version = $2 and state = 'open'

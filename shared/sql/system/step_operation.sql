update system.operations
set step = $3, progress = $4, failures = 0, not_before = greatest(not_before, system.now() + make_interval(secs => $5)),
    lease_until = case when $5 > 0 then null else system.now() + make_interval(secs => $6) end
where id = $1 and epoch = $2 and finished_at is null

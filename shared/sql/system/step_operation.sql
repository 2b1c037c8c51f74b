update system.operations
set step = $4, progress = $5, failures = 0, abandoned = 0,
    not_before = greatest(not_before, system.now() + make_interval(secs => $6)),
    lease_until = case when $6 > 0 then null else system.now() + make_interval(secs => $7) end
where id = $1 and epoch = $2 and step = $3 and finished_at is null

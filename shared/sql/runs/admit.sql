update runs
set reason = null
where id = any($1) and state = 'pending'

update runs
set cancel_requested_at = $2
where id = $1 and cancel_requested_at is null

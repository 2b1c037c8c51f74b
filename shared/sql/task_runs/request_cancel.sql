update task_runs
set cancel_requested_at = $2
where id = any($1) and cancel_requested_at is null

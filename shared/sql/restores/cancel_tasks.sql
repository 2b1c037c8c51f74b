update task_runs
set state = 'cancelled', reason = null, message = $1, start_by = null, close_by = null, finished_at = system.now()
where state in ('pending', 'active')

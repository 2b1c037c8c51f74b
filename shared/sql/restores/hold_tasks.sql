update task_runs
set reason = case state when 'active' then 'start_unknown' else 'held' end, message = $1, start_by = null, close_by = null
where state = 'active' or state = 'pending' and reason <> 'waiting_dependency'

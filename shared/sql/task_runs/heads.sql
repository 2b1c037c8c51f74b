select t.id, t.run_id, t.connection_id, t.state, t.reason, t.close_by, t.cancel_requested_at
from task_runs t
where t.run_id = any($1)
order by t.run_id, t.position

select a.id, a.task_run_id, a.number, a.state, a.reason, a.external_id, a.external_url, a.platform_state, a.warning,
       a.error_class, a.error_message, a.created_at, a.started_at, a.finished_at
from attempts a
where a.run_id = $1
order by a.task_run_id, a.number

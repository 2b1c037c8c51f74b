select t.id, t.position, t.name, t.connection_id, c.name as connection_name, t.priority, t.weight, t.state, t.reason,
       t.attempts, t.ready_at, t.cancel_requested_at, t.message, t.outputs, t.started_at, t.finished_at
from task_runs t
join connections c on c.tenant_id = t.tenant_id and c.id = t.connection_id
where t.run_id = $1
order by t.position

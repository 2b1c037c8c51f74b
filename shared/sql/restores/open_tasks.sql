select t.id, t.run_id, t.state, a.id as attempt_id
from task_runs t
left join attempts a on a.tenant_id = t.tenant_id and a.task_run_id = t.id and a.state = 'active'
where t.state = 'active' or t.state = 'pending' and ($1 or t.reason <> 'waiting_dependency')
order by t.id

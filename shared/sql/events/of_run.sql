select e.id, e.run_id, e.task_run_id, t.name as task_name, e.attempt_id, e.from_state, e.to_state, e.reason, e.actor_kind,
       e.actor_id, e.at, e.detail
from events e
left join task_runs t on t.tenant_id = e.tenant_id and t.id = e.task_run_id
where e.run_id = $1
  and ($2 is null or e.id > $2)
order by e.id
limit $3

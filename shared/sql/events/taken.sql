insert into events (id, run_id, task_run_id, attempt_id, from_state, to_state, reason, actor_kind, at)
select i.id, a.run_id, a.task_run_id, a.id, 'pending', 'active', 'dispatching', 'system', $3
from unnest($1, $2) as i (id, attempt_id)
join attempts a on a.id = i.attempt_id

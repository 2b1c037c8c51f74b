insert into events (id, run_id, task_run_id, attempt_id, from_state, to_state, reason, actor_kind, at)
select i.id, i.run_id, i.task_run_id, i.attempt_id, i.from_state, i.to_state, i.reason, 'system', system.now()
from unnest($1, $2, $3, $4, $5, $6, $7) as i (id, run_id, task_run_id, attempt_id, from_state, to_state, reason)

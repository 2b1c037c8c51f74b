update task_runs t
set state = 'active', reason = 'dispatching', attempts = i.number, started_at = coalesce(t.started_at, $3)
from unnest($1, $2) as i (id, number)
where t.id = i.id
  and t.state = 'pending'
  and t.reason in ('waiting_slot', 'up_for_retry')
  and t.attempts = i.number - 1
returning t.id

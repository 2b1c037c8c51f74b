select t.id, t.run_id, t.connection_id
from task_runs t
where t.state = 'pending'
  and t.reason in ('waiting_slot', 'up_for_retry')
  and (t.start_by is not null or t.close_by is not null)
  and least(t.start_by, t.close_by) <= (select system.now())
order by t.id
limit $1

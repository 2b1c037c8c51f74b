select a.id, a.epoch, a.task_run_id, a.run_id, a.external_id, a.handle, a.reason
from attempts a
where a.connection_id = $1
  and a.state = 'active'
  and a.reason in ('running', 'cancelling')
  and a.external_id is not null
order by a.reason, hashtextextended(a.id::text, $2)
limit $3

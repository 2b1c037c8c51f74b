select w.id
from runs w
where w.job_id = $1
  and w.state = 'pending'
  and (w.reason = 'max_active_runs' or w.reason = 'scheduled' and w.run_after <= (select system.now()))
order by w.id
limit $2

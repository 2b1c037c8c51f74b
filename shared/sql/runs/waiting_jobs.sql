select distinct r.job_id
from runs r
where r.id = any($1)
  and exists (
      select from runs w
      where w.job_id = r.job_id and w.state = 'pending'
        and (w.reason = 'max_active_runs' or w.reason = 'scheduled' and w.run_after <= (select system.now()))
  )

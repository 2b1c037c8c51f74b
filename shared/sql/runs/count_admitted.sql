select count(*) as count
from runs r
where r.job_id = $1
  and r.state in ('pending', 'active')
  and (r.state = 'active' or r.reason is null)

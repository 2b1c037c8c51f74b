select r.id, r.job_id, r.job_version, r.state, r.cancel_requested_at,
       exists (
           select from runs w
           where w.job_id = r.job_id and w.id <> r.id and w.state = 'pending' and w.reason in ('max_active_runs', 'scheduled')
       ) as others_wait
from runs r
where r.id = any($1)
order by r.id
for no key update of r

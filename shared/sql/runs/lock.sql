select r.id, r.job_id, r.job_version, r.state, r.cancel_requested_at
from runs r
where r.id = any($1)
order by r.id
for no key update

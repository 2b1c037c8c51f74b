select r.id, r.job_id, j.name as job_name, r.job_version, r.trigger, r.schedule_id, r.logical_date, r.data_interval_start,
       r.data_interval_end, r.run_after, r.state, r.reason, r.parameters, r.cancel_requested_at, r.created_at, r.created_by,
       r.started_at, r.finished_at
from runs r
join jobs j on j.tenant_id = r.tenant_id and j.id = r.job_id
where ($1 is null or r.job_id = $1)
  and ($2 is null or r.state = $2)
  and ($3 is null or r.trigger = $3)
  and ($4 is null or r.created_at >= $4)
  and ($5 is null or r.created_at < $5)
  and ($6 is null or r.id < $6)
order by r.id desc
limit $7

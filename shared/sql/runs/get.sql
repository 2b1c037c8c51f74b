select r.id, r.job_id, j.name as job_name, r.job_version, r.trigger, r.schedule_id, r.logical_date, r.data_interval_start,
       r.data_interval_end, r.run_after, r.state, r.reason, r.parameters, r.cancel_requested_at, r.created_at, r.created_by,
       r.started_at, r.finished_at
from runs r
join jobs j on j.tenant_id = r.tenant_id and j.id = r.job_id
where r.id = $1

select s.id, s.name, s.job_id, j.name as job_name, s.cron, s.time_zone, s.gap, s.fold, s.parameters, s.state, s.next_fire_at,
       s.version, s.created_at, s.updated_at, s.updated_by
from schedules s
join jobs j on j.id = s.job_id
where s.id = $1
for no key update of s

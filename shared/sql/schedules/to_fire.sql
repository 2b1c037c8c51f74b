select s.job_id, j.version, v.definition, s.cron, s.time_zone, s.gap, s.fold, s.parameters, s.next_fire_at,
       exists (select from runs r where r.schedule_id = s.id and r.logical_date = s.next_fire_at) as fired
from schedules s
join jobs j on j.tenant_id = s.tenant_id and j.id = s.job_id and j.deleted_at is null
join job_versions v on v.tenant_id = j.tenant_id and v.job_id = j.id and v.version = j.version
where s.id = $1 and s.state = 'active'
for no key update of s

select count(*) as schedules
from (select from schedules where job_id = $1 limit 1) s

select id, cron, time_zone, gap, fold, next_fire_at
from schedules
where state = 'active' and next_fire_at <= system.now()
order by id
limit 1000

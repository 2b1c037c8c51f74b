update schedules
set next_fire_at = $2
where id = $1

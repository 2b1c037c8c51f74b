delete from schedules
where id = $1 and version = $2

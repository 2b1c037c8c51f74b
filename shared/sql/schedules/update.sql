update schedules
set name = $3, cron = $4, time_zone = $5, gap = $6, fold = $7, parameters = $8,
    version = version + 1, updated_at = system.now(), updated_by = $9
where id = $1 and version = $2

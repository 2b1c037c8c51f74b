insert into schedules (id, name, job_id, cron, time_zone, gap, fold, parameters, created_at, updated_at, updated_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, system.now(), system.now(), $9)

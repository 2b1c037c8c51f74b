insert into runs (id, job_id, job_version, trigger, schedule_id, logical_date, data_interval_start, data_interval_end, run_after,
                  state, reason, parameters, created_at, created_by, finished_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

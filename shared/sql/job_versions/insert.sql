insert into job_versions (job_id, version, definition, max_active_runs, created_at, created_by)
values ($1, $2, $3, $4, system.now(), $5)

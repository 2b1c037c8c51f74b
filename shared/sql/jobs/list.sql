select j.id, j.name, j.version, j.created_at, j.updated_at, j.updated_by,
       r.id as run_id, r.state as run_state, r.reason as run_reason, r.created_at as run_created_at,
       r.started_at as run_started_at, r.finished_at as run_finished_at
from jobs j
left join lateral (
    select r.id, r.state, r.reason, r.created_at, r.started_at, r.finished_at
    from runs r
    where r.job_id = j.id
    order by r.id desc
    limit 1
) r on true
where j.id < $1 and j.deleted_at is null
order by j.id desc
limit $2

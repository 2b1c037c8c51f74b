insert into task_runs (id, run_id, position, name, connection_id, priority, weight, state, reason, ready_at, start_by, close_by,
                       finished_at)
select i.id, $1, j.position, j.name, j.connection_id, j.priority, j.weight, i.state, i.reason, i.ready_at, i.start_by, i.close_by,
       case when i.state = 'pending' then null else $11 end
from unnest($4, $5, $6, $7, $8, $9, $10) as i (position, id, state, reason, ready_at, start_by, close_by)
join job_tasks j on j.job_id = $2 and j.version = $3 and j.position = i.position
returning id

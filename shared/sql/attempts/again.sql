select a.id as attempt_id, a.request_digest, t.id as task_run_id, t.run_id, t.connection_id as key, t.name, t.attempts, a.weight,
       j.name as job_name, r.trigger, r.logical_date, r.data_interval_start, r.data_interval_end, r.run_after,
       r.parameters, v.definition -> 'tasks' -> t.position as task,
       (
           select jsonb_object_agg(u.name, jsonb_build_object('outputs', u.outputs))
           from task_runs u
           where u.run_id = t.run_id
             and u.state not in ('pending', 'active')
             and strpos(x.text, 'tasks') > 0
             and (strpos(x.text, u.name) > 0 or strpos(x.text, 'tasks[') > 0)
       ) as upstream
from attempts a
join task_runs t on t.id = a.task_run_id
join runs r on r.id = a.run_id
join jobs j on j.id = r.job_id
join job_versions v on v.job_id = r.job_id and v.version = r.job_version
cross join lateral (select (v.definition -> 'tasks' -> t.position)::text as text) x
where a.id = any($1)
  and a.state = 'active'
  and a.reason = 'dispatching'

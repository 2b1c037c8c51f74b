with open as (
    select s.key, s.capacity, s.capacity - s.in_use as room
    from slots s
    join connections c on c.tenant_id = s.tenant_id and c.id = s.key and c.state = 'active'
    where (s.key = any($1) or s.key in (select t.connection_id from task_runs t where t.run_id = any($2) and t.state = 'pending'))
      and s.in_use < s.capacity
      and (s.paused_until is null or s.paused_until <= (select system.now()))
),
next as (
    select o.key, o.room, w.id, w.run_id, w.position, w.name, w.attempts, w.weight, w.priority, w.ready_at, w.taken
    from open o
    cross join lateral (
        select t.id, t.run_id, t.position, t.name, t.attempts, t.priority, t.ready_at,
               least(t.weight, o.capacity) as weight,
               sum(least(t.weight, o.capacity)) over (order by t.priority desc, t.ready_at, t.id) as taken
        from (
            select t.id, t.run_id, t.position, t.name, t.attempts, t.priority, t.ready_at, t.weight
            from task_runs t
            where t.connection_id = o.key
              and t.state = 'pending'
              and t.reason in ('waiting_slot', 'up_for_retry')
              and t.ready_at <= (select system.now())
            order by t.priority desc, t.ready_at, t.id
            limit $3
        ) t
    ) w
    where w.taken <= o.room
)
select n.id as task_run_id, n.run_id, n.key, n.name, n.attempts, n.weight,
       j.name as job_name, r.trigger, r.logical_date, r.data_interval_start, r.data_interval_end, r.run_after,
       r.parameters, v.definition -> 'tasks' -> n.position as task,
       (
           select jsonb_object_agg(u.name, jsonb_build_object('outputs', u.outputs))
           from task_runs u
           where u.run_id = n.run_id
             and u.state not in ('pending', 'active')
             and strpos(x.text, 'tasks') > 0
             and (strpos(x.text, u.name) > 0 or strpos(x.text, 'tasks[') > 0)
       ) as upstream
from next n
join runs r on r.id = n.run_id
join jobs j on j.tenant_id = r.tenant_id and j.id = r.job_id
join job_versions v on v.tenant_id = r.tenant_id and v.job_id = r.job_id and v.version = r.job_version
cross join lateral (select (v.definition -> 'tasks' -> n.position)::text as text) x
order by n.priority desc, n.ready_at, n.id
limit $3

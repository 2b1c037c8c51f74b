-- Counts stop at 1000 and lists at 20: nothing here grows with history.
with counts as (
    select json_build_object(
        'active', (select count(*) from (select from runs where state = 'active' limit 1000) r),
        'waiting', (select count(*) from (select from runs where state = 'pending' limit 1000) r),
        'succeeded_24h', (select count(*) from (select from runs where state = 'succeeded' and id >= $1 order by id desc limit 1000) r),
        'failed_24h', (select count(*) from (select from runs where state = 'failed' and id >= $1 order by id desc limit 1000) r)
                    + (select count(*) from (select from runs where state = 'timed_out' and id >= $1 order by id desc limit 1000) r)
    ) as counts
),
keys as (
    select c.id, c.name, s.in_use, s.capacity,
           (select count(*) from (select from task_runs t
                                  where t.connection_id = c.id and t.state = 'pending'
                                    and t.reason in ('waiting_slot', 'up_for_retry')
                                  limit 1000) w) as waiting
    from (select c.id, c.name from connections c order by c.id desc limit 100) c
    join slots s on s.key = c.id
),
waiting as (
    select w.run_id, j.id as job_id, j.name as job, w.name as task, w.reason, w.ready_at
    from keys k
    cross join lateral (
        select t.run_id, t.name, t.reason, t.ready_at
        from task_runs t
        where t.connection_id = k.id and t.state = 'pending' and t.reason in ('waiting_slot', 'up_for_retry')
        order by t.priority desc, t.ready_at, t.id
        limit 5
    ) w
    join runs r on r.id = w.run_id
    join jobs j on j.id = r.job_id
    where k.waiting > 0
    order by w.ready_at
    limit 20
),
bad as (
    select r.id, r.job_id, r.finished_at
    from (values ('failed'), ('timed_out')) as s (state)
    cross join lateral (
        select r.id, r.job_id, r.finished_at
        from runs r
        where r.state = s.state and r.id >= $1
        order by r.id desc
        limit 10
    ) r
    order by r.id desc
    limit 10
),
failures as (
    select b.id as run_id, b.job_id, j.name as job, f.name as task, b.finished_at, f.error_class, f.error_message
    from bad b
    join jobs j on j.id = b.job_id
    left join lateral (
        select t.name, a.error_class, a.error_message
        from task_runs t
        left join attempts a on a.task_run_id = t.id and a.number = t.attempts
        where t.run_id = b.id and t.state in ('failed', 'timed_out', 'lost')
        order by t.position
        limit 1
    ) f on true
    order by b.id desc
),
recent as (
    select r.id, r.job_id, j.name as job_name, r.job_version, r.trigger, r.state, r.reason, r.created_at, r.started_at, r.finished_at
    from (select id, job_id, job_version, trigger, state, reason, created_at, started_at, finished_at
          from runs order by id desc limit 10) r
    join jobs j on j.id = r.job_id
    order by r.id desc
),
due as (
    select s.id as schedule_id, s.name as schedule, s.job_id, j.name as job, s.next_fire_at as at
    from schedules s
    join jobs j on j.id = s.job_id
    where s.state = 'active' and s.next_fire_at is not null
    order by s.next_fire_at
    limit 10
)
select json_build_object(
    'counts', (select counts from counts),
    'in_flight', (select coalesce(json_agg(json_build_object(
        'connection_id', k.id, 'connection', k.name, 'in_use', k.in_use, 'limit', k.capacity, 'waiting', k.waiting)
        order by k.in_use desc, k.name), '[]') from keys k),
    'waiting', (select coalesce(json_agg(json_build_object(
        'run_id', w.run_id, 'job_id', w.job_id, 'job', w.job, 'task', w.task, 'reason', w.reason, 'since', w.ready_at)
        order by w.ready_at), '[]') from waiting w),
    'recent_failures', (select coalesce(json_agg(json_build_object(
        'run_id', f.run_id, 'job_id', f.job_id, 'job', f.job, 'task', f.task, 'finished_at', f.finished_at,
        'error', case when f.error_class is not null
                      then json_build_object('class', f.error_class, 'message', f.error_message) end)
        order by f.run_id desc), '[]') from failures f),
    'recent_runs', (select coalesce(json_agg(row_to_json(r) order by r.id desc), '[]') from recent r),
    'due_soon', (select coalesce(json_agg(row_to_json(d) order by d.at), '[]') from due d)
)::jsonb as dashboard

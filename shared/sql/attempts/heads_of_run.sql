select a.id, a.task_run_id, a.run_id, a.epoch, a.state, a.reason, a.connection_id, a.weight, a.number, a.external_id, a.idempotency, a.started_at,
       a.lease_until, a.deadline_at, coalesce(a.handle -> 'cancel', 'true') <> 'null' as can_stop, e.free_tries, e.was_refused
from attempts a
cross join lateral (
    select count(*) filter (where b.error_class in ('throttled', 'auth', 'infrastructure')) as free_tries,
           coalesce(bool_or(b.error_class = 'auth'), false) as was_refused
    from attempts b
    where b.task_run_id = a.task_run_id and b.number < a.number
) e
where a.run_id = $1 and a.state = 'active'
order by a.id

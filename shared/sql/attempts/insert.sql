insert into attempts (id, task_run_id, run_id, number, state, reason, epoch, connection_id, weight, lease_until, idempotency,
                      request_digest, handle, created_at)
select i.id, t.id, t.run_id, i.number, 'active', 'dispatching', 1, t.connection_id, i.weight, i.lease_until, i.idempotency,
       i.request_digest, i.handle, $9
from unnest($1, $2, $3, $4, $5, $6, $7, $8)
    as i (id, task_run_id, number, weight, lease_until, idempotency, request_digest, handle)
join task_runs t on t.id = i.task_run_id and t.state = 'active' and t.reason = 'dispatching' and t.attempts = i.number

with moved as (
    update runs r
    set state = 'active', reason = null, started_at = coalesce(r.started_at, $3)
    where r.id = any($1) and r.state = 'pending'
      and exists (select from task_runs t where t.run_id = r.id and t.state = 'active')
    returning r.id
)
insert into events (id, run_id, from_state, to_state, actor_kind, at)
select i.id, m.id, 'pending', 'active', 'system', $3
from unnest($1, $2) as i (run_id, id)
join moved m on m.id = i.run_id

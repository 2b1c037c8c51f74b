update runs r
set state = i.new_state,
    reason = i.new_reason,
    started_at = case when i.new_state = 'active' then coalesce(r.started_at, $5) else r.started_at end,
    finished_at = case when i.new_state in ('pending', 'active') then null else $5 end
from unnest($1, $2, $3, $4) as i (id, old_state, new_state, new_reason)
where r.id = i.id and r.state = i.old_state
returning r.id

update task_runs t
set state = i.new_state,
    reason = i.new_reason,
    ready_at = coalesce(i.ready_at, t.ready_at),
    start_by = case when i.new_state = 'pending' then i.start_by else t.start_by end,
    close_by = coalesce(i.close_by, t.close_by),
    outputs = case when octet_length(i.outputs::text) <= 65536 then i.outputs else t.outputs end,
    message = coalesce(i.message, t.message),
    finished_at = case when i.new_state in ('pending', 'active') then null else $11 end
from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    as i (id, old_state, old_reason, new_state, new_reason, ready_at, start_by, close_by, outputs, message)
where t.id = i.id and t.state = i.old_state and t.reason is not distinct from i.old_reason
returning t.id

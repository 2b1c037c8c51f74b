select id, workspace_id, workspace_name, workspace_state, kind, state, step, failures, not_before, created_at, started_at, finished_at
from system.overview_operations($1, $2, $3, $4::bigint::integer, $5, $6, $7)

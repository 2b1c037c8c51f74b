select id, kind, state, step, request, progress, result, error, requested_by, not_before, created_at, started_at, finished_at
from system.operations_of($1, $2, $3, $4)

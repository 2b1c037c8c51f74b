select id, workspace_id, workspace_name, reason, ticket, minutes, opened_at, expires_at, closed_at
from system.operator_grants($1, $2, $3, $4::bigint::integer, $5, $6, $7)

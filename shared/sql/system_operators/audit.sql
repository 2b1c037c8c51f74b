select id, at, operator_id, operator_name, action, workspace_id, grant_id, target_kind, target_id, detail, request_id, source_address
from system.operator_audit_list($1, $2, $3, $4::bigint::integer, $5, $6, $7, $8)

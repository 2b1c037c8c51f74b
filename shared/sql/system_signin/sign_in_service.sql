select session_id, user_id, tenant_id, tenant_schema, role, expires_at, claimed
from system.sign_in_service($1, $2, $3, $4, $5, $6 * interval '1 second', $7, $8)

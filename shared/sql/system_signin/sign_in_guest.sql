select session_id, user_id, tenant_id, tenant_schema, role, expires_at, claimed
from system.sign_in_guest($1, $2, $3, $4, $5, $6, $7, $8, $9 * interval '1 second', $10, $11, $12)

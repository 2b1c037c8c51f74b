select session_id, user_id, tenant_id, tenant_schema, role, expires_at, claimed
from system.sign_in_to($1, $2, $3, $4, $5, $6, $7, $8 * interval '1 second', $9, $10)

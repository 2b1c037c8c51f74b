select session_id, user_id, tenant_id, tenant_schema, role, expires_at
from system.switch_session($1, $2, $3, $4, $5, $6)

select session_id, operator_id, expires_at
from system.operator_sign_in($1, $2, $3, $4, $5 * interval '1 second', $6, $7)

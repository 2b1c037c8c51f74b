select id, name, session_expires_at
from system.operator_note($1, $2, $3, $4, $5, $6)

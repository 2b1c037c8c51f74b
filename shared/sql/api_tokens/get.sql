select id, user_id, name, permissions, created_at, expires_at, last_used_at
from system.api_token($1, $2)

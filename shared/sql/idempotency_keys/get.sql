select operation, body_hash, status, headers, answer
from idempotency_keys
where user_id = $1 and key = $2

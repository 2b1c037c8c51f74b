update idempotency_keys
set status = $3, headers = $4, answer = $5
where user_id = $1 and key = $2 and status = 0

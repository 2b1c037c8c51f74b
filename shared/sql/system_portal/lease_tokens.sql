select granted, block, rate, burst from system.lease_tokens($1, $2, $3, $4, $5, $6, $7)

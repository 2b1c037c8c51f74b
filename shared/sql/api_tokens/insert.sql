select system.api_token_insert($1, $2, $3, $4, $5, $6 * interval '1 second')

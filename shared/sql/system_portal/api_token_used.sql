select system.api_token_used($1, $2, $3) as is_one

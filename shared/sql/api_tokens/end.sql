select system.api_token_end($1, $2) as ended

select system.api_token_seen($1)

select system.end_session($1, $2, $3, $4) as was_known

select system.operator_session_begin($1, $2, $3, $4, $5, $6, $7, $8, $9)

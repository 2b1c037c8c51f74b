select system.operator_sign_out($1, $2, $3, $4, $5)

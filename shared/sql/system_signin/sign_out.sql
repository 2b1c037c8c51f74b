select system.sign_out($1, $2, $3, $4)

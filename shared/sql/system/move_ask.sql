select system.move_ask($1, $2, $3, $4, $5, $6)

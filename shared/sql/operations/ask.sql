select system.operation_ask($1, $2, $3, $4, $5, $6)

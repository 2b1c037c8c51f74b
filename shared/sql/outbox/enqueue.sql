select system.enqueue($1, $2, $3, $4)

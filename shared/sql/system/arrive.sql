select system.arrive($1, $2, $3, $4)

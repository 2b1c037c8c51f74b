select system.bury($1, $2, $3)

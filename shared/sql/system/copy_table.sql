select system.copy_table($1, $2, $3, $4)

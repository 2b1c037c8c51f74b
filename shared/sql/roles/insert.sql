select system.role_insert($1, $2, $3)

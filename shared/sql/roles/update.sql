select system.role_update($1, $2, $3, $4) as changed

select system.role_delete($1, $2) as changed

select system.due_clear($1, $2)

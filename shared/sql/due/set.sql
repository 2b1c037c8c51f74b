select system.due_set($1, $2, $3) as round

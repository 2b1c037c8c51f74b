select system.due_pull($1, $2, $3) as round

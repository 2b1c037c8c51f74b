select system.due_round($1, $2) as round

select system.leave($1, $2)

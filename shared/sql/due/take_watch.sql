select system.due_take('watch', $1, $2, system.now() + interval '60 seconds') as taken

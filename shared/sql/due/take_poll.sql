select system.due_take('poll', $1, $2, system.now() + interval '120 seconds') as taken

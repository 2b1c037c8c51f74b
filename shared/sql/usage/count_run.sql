select system.count_run($1, $2, $3)

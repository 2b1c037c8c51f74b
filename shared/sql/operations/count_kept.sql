select system.count_kept($1, $2) as used

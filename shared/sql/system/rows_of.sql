select r as content from system.rows_of($1, $2, $3) r

select name, content from system.rows_along($1, $2)

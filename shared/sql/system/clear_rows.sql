select system.clear_rows($1, $2) as cleared

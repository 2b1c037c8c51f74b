select system.purge_rows($1, $2)

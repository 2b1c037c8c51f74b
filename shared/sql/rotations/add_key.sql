select system.key_add($1, $2, $3) as version

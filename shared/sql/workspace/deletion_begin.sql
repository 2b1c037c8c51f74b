select system.deletion_begin($1) as before

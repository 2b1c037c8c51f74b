select system.forget_moved($1, $2)

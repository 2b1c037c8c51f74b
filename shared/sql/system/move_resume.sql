select system.move_resume($1, $2)

select system.move_pause($1) as state

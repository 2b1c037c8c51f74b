select system.move_hold($1)

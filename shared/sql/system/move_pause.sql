select system.move_pause($1) as was, system.now() as at

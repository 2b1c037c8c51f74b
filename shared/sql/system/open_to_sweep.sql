select system.open_to_sweep($1)

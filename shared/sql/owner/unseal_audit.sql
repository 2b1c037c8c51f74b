update audit set epoch = 0, tx = pg_current_xact_id()

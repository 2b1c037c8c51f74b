select system.owe_all_backfills($1)

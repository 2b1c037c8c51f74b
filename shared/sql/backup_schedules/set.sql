select system.backup_schedule_set($1, $2, $3)

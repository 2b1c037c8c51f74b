select every_hours, keep, version, last_at, next_at
from system.backup_schedule($1)

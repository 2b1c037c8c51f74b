select id, name, state, placement, cell, schema_version, claimed_at, now, owed, overdue, resent, waiting, oldest_owed_at, instants,
       instants_overdue, oldest_instant_at, operations, operations_in_trouble, rollout_failed_at, members, members_of_30_days, measured
from system.overview_get($1, $2, $3, $4, $5, $6)

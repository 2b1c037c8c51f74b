select now, active, suspended, deleting, purging, spares, behind, directories, owed, overdue, resent, waiting, oldest_owed_at, instants,
       instants_overdue, oldest_instant_at, operations, operations_in_trouble, rollout
from system.overview_totals($1, $2, $3, $4, $5, $6)

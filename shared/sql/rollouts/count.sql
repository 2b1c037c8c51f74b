update system.rollouts
set migrated = migrated + $2, updated_at = system.now()
where version = $1

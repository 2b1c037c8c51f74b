update schedules
set state = 'paused', next_fire_at = null, version = version + 1, updated_at = system.now()
where state = 'active' or next_fire_at is not null

update connections
set state = 'paused', version = version + 1, updated_at = system.now()
where state = 'active'

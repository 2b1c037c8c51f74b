update connection_tests
set state = $2, message = $3, finished_at = system.now()
where id = $1 and state = 'pending'

update attempts
set state = 'lost', reason = null, epoch = epoch + 1, lease_until = null, deadline_at = null, warning = $1,
    finished_at = system.now()
where state = 'active'

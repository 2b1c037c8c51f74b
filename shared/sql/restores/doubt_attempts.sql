update attempts
set reason = 'start_unknown', epoch = epoch + 1, lease_until = null, deadline_at = null, warning = $1
where state = 'active'

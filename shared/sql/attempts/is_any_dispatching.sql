select exists (
    select from attempts where state = 'active' and reason = 'dispatching' and lease_until > system.now()
) as yes

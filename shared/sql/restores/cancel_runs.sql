update runs set state = 'cancelled', reason = null, finished_at = system.now() where state in ('pending', 'active')

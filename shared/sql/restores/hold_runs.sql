update runs set reason = 'held' where state = 'pending'

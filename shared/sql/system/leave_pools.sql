select system.leave_pools($1)

select system.suspend_begin()

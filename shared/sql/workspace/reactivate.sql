select system.reactivate()

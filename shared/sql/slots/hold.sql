select system.hold_tenant() as state

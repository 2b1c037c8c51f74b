select system.hold_quota($1, $2, $3) as most

select system.hold_alone($1) as is_held

select system.is_free_for($1) as yes

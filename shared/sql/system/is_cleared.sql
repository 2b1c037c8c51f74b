select system.is_cleared($1) as yes

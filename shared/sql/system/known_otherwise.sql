select system.known_otherwise($1) as yes

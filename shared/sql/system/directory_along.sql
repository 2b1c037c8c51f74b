select system.directory_along($1) as directory

select system.tables_of($1) as tables

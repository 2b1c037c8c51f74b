update system.directories
set name = id::text, first_administrator = '00000000-0000-0000-0000-000000000000', placement = 'schema', database_name = null
where id = $1 and database_name = $2

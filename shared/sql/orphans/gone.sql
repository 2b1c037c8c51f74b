update orphans
set state = 'gone', finished_at = system.now()
where id = any($1) and state <> 'gone'

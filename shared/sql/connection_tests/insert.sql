insert into connection_tests (id, connection_id, state, created_at, created_by)
select $1, c.id, 'pending', system.now(), $3
from connections c
where c.id = $2
returning id, connection_id, state, message, created_at, finished_at

-- The connection's tests of earlier days make room.
with gone as (
    delete from connection_tests
    where connection_id = $2 and created_at < system.now() - interval '24 hours'
)
insert into connection_tests (id, connection_id, state, created_at, created_by)
select $1, c.id, 'pending', system.now(), $3
from connections c
where c.id = $2
returning id, connection_id, state, message, created_at, finished_at

select id, connection_id, state, message, created_at, finished_at
from connection_tests
where connection_id = $1
order by id desc
limit 1

select connection_id
from connection_tests
where id = $1 and state = 'pending'

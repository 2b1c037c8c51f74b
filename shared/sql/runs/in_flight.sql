select distinct a.run_id as id
from attempts a
join runs r on r.id = a.run_id
where a.state = 'active' and r.cancel_requested_at is null
limit 200

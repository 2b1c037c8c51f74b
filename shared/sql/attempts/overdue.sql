select a.id, a.run_id, a.connection_id
from attempts a
where a.state = 'active'
  and (a.lease_until <= (select system.now()) or a.deadline_at <= (select system.now()))
order by a.id
limit $1

select s.key
from slots s
where s.key in (select a.connection_id from attempts a where a.run_id = $1 and a.state = 'active')
order by s.key
for no key update

select s.key
from slots s
where s.key = any($1)
   or s.key in (select t.connection_id from task_runs t where t.run_id = any($2) and t.state = 'pending')
order by s.key
for no key update

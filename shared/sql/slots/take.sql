update slots s
set in_use = s.in_use + i.weight
from (select a.connection_id as key, sum(a.weight) as weight from attempts a where a.id = any($1) group by a.connection_id) i
where s.key = i.key

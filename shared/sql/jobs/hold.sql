select j.id
from jobs j
where j.id = any($1)
order by j.id
for no key update

select kind, what, total
from system.strangers($1, $2)
order by what
limit 200

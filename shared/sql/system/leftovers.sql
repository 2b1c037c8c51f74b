select kind, what, total
from system.leftovers()
order by kind, what
limit 200

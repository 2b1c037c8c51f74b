update slots s
set in_use = s.in_use - i.weight
from unnest($1, $2) as i (connection_id, weight)
where s.key = i.connection_id

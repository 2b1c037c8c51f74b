update slots s
set in_use = s.in_use - i.weight
from unnest($1, $2) as i (key, weight)
where s.key = i.key

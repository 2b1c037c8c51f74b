update slots s
set paused_until = greatest(s.paused_until, i.until)
from unnest($1, $2) as i (key, until)
where s.key = i.key

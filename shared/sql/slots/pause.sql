update slots s
set paused_until = greatest(s.paused_until, i.until)
from unnest($1, $2) as i (connection_id, until)
where s.key = i.connection_id

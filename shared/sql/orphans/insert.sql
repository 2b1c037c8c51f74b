insert into orphans (id, connection_id, attempt_id, external_id, state, found_at)
select i.id, i.connection_id, i.attempt_id, i.external_id, 'open', $5
from unnest($1, $2, $3, $4) as i (id, connection_id, attempt_id, external_id)
on conflict do nothing

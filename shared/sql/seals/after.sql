select tenant_id, number, epoch, format, audit_rows, event_rows, first_tx::text as first_tx, first_id,
       last_tx::text as last_tx, last_id, root, previous, hash, to_char(sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as sealed_at
from seals
where number > $1
order by number
limit $2

insert into seals (number, epoch, audit_rows, event_rows, first_tx, first_id, last_tx, last_id, root, previous, hash, sealed_at)
values ($1, $2, $3, $4, $5::text::xid8, $6, $7::text::xid8, $8, $9, $10, $11, $12::text::timestamptz)

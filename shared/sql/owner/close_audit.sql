update audit
set epoch = case when (tx, id) <= ($2::text::xid8, $3::uuid) then $1 else 0 end,
    tx = case when (tx, id) <= ($2::text::xid8, $3::uuid) then tx else pg_current_xact_id() end
where epoch = 0

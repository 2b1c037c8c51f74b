update system.due d
set horizon = least(d.horizon, $2::text::xid8), at = system.now() + interval '20 seconds'
where d.tenant_id = $1
  and d.kind = 'seal'
  and d.horizon is not null

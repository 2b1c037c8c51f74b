insert into audit (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, request_id, source_address)
select $1, system.now(), 'user', $2, $3, $4, $5, $6, $7, $8
where not exists (
    select from audit a
    where a.id >= $9
      and a.actor_id = $2
      and a.action = $4
)

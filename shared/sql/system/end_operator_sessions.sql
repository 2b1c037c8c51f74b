with ended as (
    update system.operator_sessions s set ended_at = system.now()
    from system.operators o
    where o.object_id = $1 and s.operator_id = o.id and s.ended_at is null and s.expires_at > system.now()
    returning s.id, o.id as operator_id, o.display_name
), logged as (
    insert into system.operator_audit (id, at, operator_id, operator_name, session_id, action, target_kind, target_id)
    select $2, system.now(), e.operator_id, e.display_name, e.id, 'sessions.end', 'operator', e.operator_id
    from ended e order by e.id limit 1
)
select count(*) as ended from ended

insert into audit (id, at, actor_kind, action, target_kind, target_id, detail)
select m.id, system.now(), 'system', 'schedule.missed', 'schedule', m.schedule_id, m.detail
from unnest($1, $2, $3) as m (id, schedule_id, detail)

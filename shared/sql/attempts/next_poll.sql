select min(w.delay_s) as delay_s
from (
    select greatest(
               coalesce((a.handle -> 'poll' ->> 'interval_s')::bigint, 1),
               least(30, (extract(epoch from (select system.now()) - a.started_at) / 10)::bigint)
           ) as delay_s
    from attempts a
    where a.connection_id = $1 and a.state = 'active' and a.reason = 'running'
    union all
    select 2 from attempts a where a.connection_id = $1 and a.state = 'active' and a.reason = 'cancelling'
    union all
    select 15 from orphans o where o.connection_id = $1 and o.state <> 'gone'
) w

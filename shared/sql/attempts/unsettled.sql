select u.external_id, count(*) over () as found
from (
    select coalesce(a.external_id, '') as external_id from attempts a where a.state = 'active'
    union all
    select o.external_id from orphans o where o.state <> 'gone'
) u
order by 1
limit 100

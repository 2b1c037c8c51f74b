with keys as (
    select s.key
    from slots s
    join connections c on c.id = s.key
    where c.concurrency_profile_id = $1
    order by s.key
    for no key update of s
)
update slots s
set capacity = $2
from keys k
where s.key = k.key
returning s.key

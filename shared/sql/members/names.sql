select m.user_id as id, m.display_name as name
from unnest($1::uuid[]) as u (id)
cross join lateral system.member(u.id) as m

update attempts a
set platform_state = coalesce(i.platform_state, a.platform_state), warning = i.warning
from unnest($1, $2, $3) as i (id, platform_state, warning)
where a.id = i.id
  and a.state = 'active'
  and (i.platform_state is distinct from a.platform_state or i.warning is distinct from a.warning)

select id, state from runs where state in ('pending', 'active') order by id

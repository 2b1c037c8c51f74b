select id, name, state, created_at
from system.sandboxes($1, $2)

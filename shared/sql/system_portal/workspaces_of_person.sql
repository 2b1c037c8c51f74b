select id, name, state, role
from system.workspaces_of_person($1, $2, $3)

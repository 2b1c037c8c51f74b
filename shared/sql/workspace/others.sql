select id, name, state, role
from system.workspaces_of($1)

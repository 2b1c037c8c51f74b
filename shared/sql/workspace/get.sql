select id, name, state
from system.workspace()

select id, name, permissions, version, created_at, updated_at
from system.custom_role($1)

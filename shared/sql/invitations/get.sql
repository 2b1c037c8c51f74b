select id, role, directory_id, object_id, created_by, created_at, expires_at
from system.invitation($1)

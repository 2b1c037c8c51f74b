select user_id as id, display_name as name, directory_id, object_id, role, version, created_at, updated_at
from system.member($1)

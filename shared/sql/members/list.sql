select user_id as id, display_name as name, directory_id, object_id,
       case when service then 'service_principal' else 'person' end as kind, role, role_name, version, created_at, updated_at
from system.people($1, $2)

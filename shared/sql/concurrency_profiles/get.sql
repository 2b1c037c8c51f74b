select id, name, capacity as "limit", version, created_at, updated_at, updated_by
from concurrency_profiles
where id = $1

select j.id, j.name, j.version, v.definition, j.created_at, j.updated_at, j.updated_by
from jobs j
join job_versions v on v.job_id = j.id and v.version = j.version
where j.id = $1 and j.deleted_at is null
for no key update of j

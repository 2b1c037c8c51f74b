select v.version, v.created_at, v.created_by
from jobs j
join job_versions v on v.job_id = j.id
where j.id = $1 and j.deleted_at is null and v.version < $2
order by v.version desc
limit $3

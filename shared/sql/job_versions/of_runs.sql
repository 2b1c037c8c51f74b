select v.job_id, v.version, v.definition
from job_versions v
where exists (select from runs r where r.id = any($1) and r.job_id = v.job_id and r.job_version = v.version)
  and not exists (select from unnest($2, $3) as k (job_id, version) where k.job_id = v.job_id and k.version = v.version)

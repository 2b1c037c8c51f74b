select t.task ->> 'name' as name, t.task -> 'depends_on' as depends_on
from runs r
join job_versions v on v.job_id = r.job_id and v.version = r.job_version
cross join lateral jsonb_array_elements(v.definition -> 'tasks') with ordinality as t (task, position)
where r.id = $1
order by t.position

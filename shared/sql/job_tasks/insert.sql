insert into job_tasks (job_id, version, position, name, connection_id, priority, weight, is_root)
select $1, $2, t.position, t.name, t.connection_id, t.priority, t.weight, t.is_root
from unnest($3::int4[], $4::text[], $5::uuid[], $6::int4[], $7::int4[], $8::bool[])
    as t (position, name, connection_id, priority, weight, is_root)

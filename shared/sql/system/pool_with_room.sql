select p.schema_name
from system.pools p
where (select count(*) from system.tenants t
       where t.schema_name = p.schema_name and t.placement = 'pooled' and t.state <> 'deleted') < $1
order by p.created_at desc
limit 1
for no key update

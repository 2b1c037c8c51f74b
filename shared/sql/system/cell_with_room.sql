select c.name
from system.cells c
where (select count(*) from system.tenants t where t.cell = c.name and t.placement <> 'pooled' and t.state <> 'deleted')
    + (select count(*) from system.pools p where p.cell = c.name) < $1
order by c.name desc
limit 1

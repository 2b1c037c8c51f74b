select count(*) as spares, exists (select from system.pools) as has_pools
from system.tenants
where state = 'spare' and placement = $1

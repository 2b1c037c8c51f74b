select o.id, o.attempt_id, o.external_id, a.handle
from orphans o
left join attempts a on a.tenant_id = o.tenant_id and a.id = o.attempt_id
where o.connection_id = $1 and o.state <> 'gone'
order by o.id
limit $2

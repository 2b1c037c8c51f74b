-- A row goes once what it stands for is sealed, or is nobody's any more: until then it says since when that waits.
select coalesce(max(extract(epoch from system.now() - d.since)), 0)::bigint as oldest_s
from system.due d
join system.tenants t on t.id = d.tenant_id and t.state in ('active', 'suspending', 'suspended', 'deleting')
where d.kind = 'seal'

insert into system.past_places (tenant_id, schema_name, placement, moved_at)
select t.id, t.schema_name, t.placement, system.now()
from system.tenants t
where t.id = $1 and t.schema_name = $2
on conflict (tenant_id, schema_name) do update set moved_at = excluded.moved_at

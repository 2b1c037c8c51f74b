update system.tenants t
set state = 'active', placement = case o.placement when 'dedicated' then o.placement else t.placement end, schema_version = $3, claimed_at = system.now(),
    name = left(o.name, 150) || ' (sandbox ' || to_char(system.now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ')',
    sandbox_of = o.id
from system.tenants o
where t.id = $1 and t.state = 'provisioning' and o.id = $2

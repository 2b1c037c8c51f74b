-- Whose turn it is, of what this release has a statement for; of a workspace the earliest first.
select o.tenant_id, t.schema_name, o.version
from system.owed_backfills o
join system.migration_backfills b on b.version = o.version and b.state = 'running'
join system.tenants t on t.id = o.tenant_id and t.state in ('active', 'suspending', 'suspended', 'deleting')
where o.state = 'open' and o.not_before <= system.now() and o.version = any ($1::integer[])
  and not exists (select from system.owed_backfills e
                  where e.tenant_id = o.tenant_id and e.version < o.version and e.state <> 'done')
order by o.not_before, o.tenant_id
limit $2

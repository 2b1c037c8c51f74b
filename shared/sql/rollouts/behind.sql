-- What is older than a version, as it should come: schemas of one workspace, then pools, the smallest first. Nobody lives in a
-- spare or a canary. A sandbox that is being filled is brought up to date by its restore.
select h.schema_name, h.schema_version, h.tenant_id, h.people, h.is_pool
from (
    select t.schema_name, t.schema_version, t.id as tenant_id, false as is_pool,
           (t.state <> 'spare' and not exists (select from system.canaries c where c.tenant_id = t.id))::integer::bigint as people
    from system.tenants t
    where t.schema_version < $1 and t.placement <> 'pooled' and t.state not in ('provisioning', 'purging', 'deleted')
    union all
    select p.schema_name, p.schema_version, i.tenant_id, true, i.people
    from system.pools p
    cross join lateral (
        select min(t.id::text)::uuid as tenant_id,
               count(*) filter (where t.state <> 'spare' and not exists (select from system.canaries c where c.tenant_id = t.id)) as people
        from system.tenants t
        where t.schema_name = p.schema_name and t.placement = 'pooled' and t.state <> 'deleted'
    ) i
    where p.schema_version < $1
) h
order by h.is_pool, h.people, h.schema_name
limit $2

with spare as (
    select t.id
    from system.tenants t
    where t.state = 'spare' and t.placement <> 'pooled'
    order by t.created_at desc
    limit 1
    for update skip locked
), claimed as (
    update system.tenants t
    set state = 'active', name = 'Isolation canary', claimed_at = system.now()
    from spare
    where t.id = spare.id
    returning t.id
)
insert into system.canaries (tenant_id, created_at)
select id, system.now()
from claimed

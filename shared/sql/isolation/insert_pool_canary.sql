with made as (
    insert into system.tenants (id, name, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at,
                                claimed_at)
    select $1, 'Isolation canary', 'active', 'pooled', p.cell, current_database(), p.schema_name, p.schema_name, p.schema_version,
           system.now(), system.now()
    from system.pools p
    where p.schema_name = $2
    returning id
)
insert into system.canaries (tenant_id, created_at)
select id, system.now()
from made

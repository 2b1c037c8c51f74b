select exists (select from system.tenants where schema_name = $1 and state not in ('provisioning', 'deleted'))
    or exists (select from system.pools where schema_name = $1) as yes

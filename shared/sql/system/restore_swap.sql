update system.tenants
set placement = case when placement = 'pooled' then 'schema' else placement end, schema_name = $3, role_name = $3, cell = $4, schema_version = $5
where id = $1 and schema_name = $2 and state = 'suspended'

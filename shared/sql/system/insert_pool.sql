insert into system.pools (schema_name, cell, schema_version, created_at)
values ($1, $2, $3, system.now())

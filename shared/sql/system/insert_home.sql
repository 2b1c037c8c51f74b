insert into system.homes (tenant_id, database_name, placed_at)
values ($1, $2, system.now())
on conflict (tenant_id) do update set database_name = excluded.database_name, placed_at = excluded.placed_at

insert into system.directories as d (provider, id, name, first_administrator, placement, database_name, created_at)
values ('entra', $1, $2, $3, coalesce($4, 'schema'), $5, system.now())
on conflict (provider, id) do update
set name = excluded.name,
    first_administrator = case when d.tenant_id is null then excluded.first_administrator else d.first_administrator end,
    placement = case when d.tenant_id is null then coalesce($4, d.placement) else d.placement end,
    database_name = case when $4 is null then d.database_name else $5 end
where $4 is null or d.database_name is not distinct from $5 or d.tenant_id is null and d.database_name is null

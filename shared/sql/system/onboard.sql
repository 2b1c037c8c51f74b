insert into system.directories as d (provider, id, name, first_administrator, placement, created_at)
values ('entra', $1, $2, $3, coalesce($4, 'schema'), system.now())
on conflict (provider, id) do update
set name = excluded.name,
    first_administrator = case when d.tenant_id is null then excluded.first_administrator else d.first_administrator end,
    placement = case when d.tenant_id is null then coalesce($4, d.placement) else d.placement end

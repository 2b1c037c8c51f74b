insert into system.limits as l (tenant_id, name, value, updated_at)
select $1, i.name, i.value, system.now() from unnest($2::text[], $3::bigint[]) as i (name, value)
on conflict (tenant_id, name) do update set value = excluded.value, updated_at = excluded.updated_at

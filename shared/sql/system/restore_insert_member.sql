insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
values ($1, $2, 'administrator', system.now(), system.now())
on conflict (tenant_id, user_id) do nothing

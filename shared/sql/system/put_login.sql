insert into system.logins (name, function)
values ($1, $2)
on conflict (name) do update set function = excluded.function

insert into system.isolation_rounds as r (after, at)
values ($1, system.now())
on conflict (one) do update set after = excluded.after, at = excluded.at

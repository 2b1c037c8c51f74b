insert into system.rollouts as r (version, until, started_at, updated_at)
values ($1, $2, system.now(), system.now())
on conflict (version) do update
set state = case when r.state = 'stopped' and not $3 then 'stopped' else 'running' end,
    cause = case when r.state = 'stopped' and not $3 then r.cause end,
    until = excluded.until, updated_at = system.now()
returning state

delete from system.sessions
where id in (
    select id from system.sessions
    where expires_at < system.now() - interval '1 day' or ended_at < system.now() - interval '1 day'
    limit 1000
)

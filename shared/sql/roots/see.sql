insert into system.roots (version, key_id, public_key, first_seen_at)
values ($1, $2, $3, system.now())
on conflict (version) do update set version = excluded.version
returning key_id

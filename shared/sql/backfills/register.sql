insert into system.migration_backfills (version, name, known_since)
select i.version, i.name, system.now()
from unnest($1::integer[], $2::text[]) as i (version, name)
on conflict (version) do nothing

select count(*)::integer as attempts,
       coalesce(array_agg(w.name) filter (where not (c.relrowsecurity and c.relforcerowsecurity)), '{}') as crossed
from unnest($2::text[]) w (name)
join pg_catalog.pg_class c on c.oid = to_regclass(quote_ident($1) || '.' || quote_ident(w.name))

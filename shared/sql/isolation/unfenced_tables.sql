select count(*)::integer as attempts,
       coalesce(array_agg(w.name) filter (where not coalesce(c.relrowsecurity and c.relforcerowsecurity, false)), '{}') as crossed
from unnest($2::text[]) w (name)
left join pg_catalog.pg_class c on c.oid = to_regclass(quote_ident($1) || '.' || quote_ident(w.name))

-- The sweep names what it finds, and not everything that it looks at: a name is looked up for each, and what was looked up stays
-- in the server process's memory. With ten thousand workspaces there that was 110 MB.
do $$
declare
    v_before text := pg_get_functiondef('system.leftovers()'::regprocedure);
    v_text text := v_before;
    v_change text[];
begin
    foreach v_change slice 1 in array array[
        array[$q$'schema ' || n.nspname as what, n.nspacl as acl$q$, $q$'schema' as class, n.oid, n.nspacl as acl$q$],
        array[$q$'table ' || c.oid::regclass::text, c.relacl$q$, $q$'table', c.oid, c.relacl$q$],
        array[$q$'function ' || p.oid::regprocedure::text, p.proacl$q$, $q$'function', p.oid, p.proacl$q$],
        array[$q$select 'grant', a.what, count(*) from$q$,
              $q$select 'grant',
               a.class || ' ' || case a.class when 'schema' then a.oid::regnamespace::text when 'table' then a.oid::regclass::text
                                 else a.oid::regprocedure::text end,
               count(*)
        from$q$],
        array[$q$group by a.what;$q$, $q$group by a.class, a.oid;$q$]
    ] loop
        if strpos(v_text, v_change[1]) = 0 then
            raise exception 'system.leftovers is not as it was';
        end if;
        v_text := replace(v_text, v_change[1], v_change[2]);
    end loop;
    execute v_text;
end
$$;

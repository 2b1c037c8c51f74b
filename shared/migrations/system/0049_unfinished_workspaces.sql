-- A sandbox that is being filled is a workspace that is being made; so is one that comes from another database, which was claimed
-- there and has a name. The first is its restore's: where none is open any more, it is a leftover, with its schema, role and keys.
do $$
declare
    v_text text := pg_get_functiondef('system.leftovers()'::regprocedure);
    v_before constant text := $q$select 'tombstone', t.id::text, 1::bigint from$q$;
begin
    if strpos(v_text, v_before) = 0 then
        raise exception 'system.leftovers is not as it was';
    end if;
    execute replace(v_text, v_before, $q$select 'unfinished workspace', t.id::text, 1::bigint from system.tenants t
        where t.state = 'provisioning' and t.claimed_at is null
          and not exists (select from system.operations o
                          where o.kind = 'restore' and o.finished_at is null and o.progress ->> 'tenant' = t.id::text);
    return query
        $q$ || v_before);
end
$$;

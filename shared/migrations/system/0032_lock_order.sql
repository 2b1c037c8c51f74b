-- Whoever reaches into a workspace from outside holds its place before any other lock of it. The operators' door took the
-- workspace's own lock first, and a swap the place first: two that met waited for each other until Postgres ended one.
do $$
declare
    v_before constant text := 'perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));';
    v_text text;
    v_changed bigint := 0;
begin
    for v_text in
        select pg_get_functiondef(p.oid) from pg_proc p
        where p.pronamespace = 'system'::regnamespace and p.proname = 'operator_tenant' and strpos(p.prosrc, v_before) > 0
    loop
        execute replace(v_text, v_before, 'perform pg_advisory_xact_lock_shared(6, hashtext(p_tenant::text));' || chr(10) || '    ' || v_before);
        v_changed := v_changed + 1;
    end loop;
    if v_changed <> 1 then
        raise exception 'system.operator_tenant is not as it was';
    end if;
end
$$;

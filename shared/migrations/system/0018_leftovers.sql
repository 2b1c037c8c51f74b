-- What is left of workspaces that are gone, and of nobody: asked of the catalogs and of every table that bears a tenant,
-- whatever deletion believes it has done. Nothing here is shared with deletion, and nothing is changed.
create function system.leftovers() returns table (kind text, what text, total bigint)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
begin
    return query
        select 'schema', n.nspname::text, 1::bigint from pg_namespace n
        where n.nspname ~ '^t_[0-9a-f]{32}$'
          and not exists (select from system.tenants t where t.schema_name = n.nspname and t.state <> 'deleted');
    return query
        select 'role', r.rolname::text, 1::bigint from pg_roles r
        where r.rolname ~ '^t_[0-9a-f]{32}$'
          and not exists (select from system.tenants t where t.role_name = r.rolname and t.state <> 'deleted');
    -- Of roles that are there no more, or whose workspace is not.
    return query
        with dead as (
            select r.oid from pg_roles r
            where r.rolname ~ '^t_[0-9a-f]{32}$'
              and not exists (select from system.tenants t where t.role_name = r.rolname and t.state <> 'deleted')
        ), acls as (
            select 'schema ' || n.nspname as what, n.nspacl as acl from pg_namespace n where n.nspacl is not null
            union all
            select 'table ' || c.oid::regclass::text, c.relacl from pg_class c where c.relacl is not null
            union all
            select 'function ' || p.oid::regprocedure::text, p.proacl from pg_proc p where p.proacl is not null
        )
        select 'grant', a.what, count(*) from acls a, aclexplode(a.acl) g
        where g.grantee <> 0 and (g.grantee in (select d.oid from dead d)
                                  or not exists (select from pg_roles r where r.oid = g.grantee))
        group by a.what;
    return query
        select 'cell membership', r.rolname::text, count(*) from pg_auth_members m join pg_roles r on r.oid = m.member or r.oid = m.roleid
        where r.rolname ~ '^t_[0-9a-f]{32}$'
          and not exists (select from system.tenants t where t.role_name = r.rolname and t.state <> 'deleted')
        group by r.rolname;
    return query
        select 'default privilege', coalesce(n.nspname::text, 'every schema'), count(*)
        from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace left join pg_roles r on r.oid = d.defaclrole
        where r.oid is null or r.rolname ~ '^t_[0-9a-f]{32}$' or n.nspname ~ '^t_[0-9a-f]{32}$'
        group by n.nspname;
    return query
        select 'role setting', coalesce(r.rolname::text, s.setrole::text), count(*)
        from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole
        where s.setrole <> 0 and (r.oid is null or r.rolname ~ '^t_[0-9a-f]{32}$')
        group by 2;
    for v_table in
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'system'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'tombstones' and not a.attisdropped
        order by c.relname
    loop
        kind := 'rows';
        what := 'system.' || v_table;
        execute format(
            'select count(*) from system.%I x where x.tenant_id is not null
             and not exists (select from system.tenants t where t.id = x.tenant_id and t.state <> ''deleted'')', v_table)
        into total;
        if total > 0 then
            return next;
        end if;
    end loop;
    return query
        select 'person of no workspace', 'system.users', count(*) from system.users u
        where not exists (select from system.memberships m where m.user_id = u.id)
          and not exists (select from system.sessions s where s.user_id = u.id)
        having count(*) > 0;
    return query
        select 'tombstone', t.id::text, 1::bigint from system.tenants t
        where t.state = 'deleted'
          and (t.name <> '' or not exists (select from system.tombstones s where s.tenant_id = t.id));
end
$$;
revoke execute on function system.leftovers() from public;

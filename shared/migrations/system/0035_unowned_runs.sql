-- External runs that nothing would know any more once a restore has led a workspace from one schema to another: on connections
-- that the new one does not have. The steward stops them first. As the owner of both, held to the rows of the one workspace.
create function system.unowned_runs(p_tenant uuid, p_from text, p_to text) returns table (run_id uuid, external_id text)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    return query execute format(
        'select a.run_id, a.external_id from %1$I.attempts a
         where a.state = ''active'' and a.external_id is not null
           and not exists (select from %2$I.attempts n where n.id = a.id)
           and not exists (select from %2$I.connections c where c.id = a.connection_id)
         union all
         select null, g.external_id from %1$I.orphans g
         where g.state <> ''gone'' and not exists (select from %2$I.connections c where c.id = g.connection_id)',
        p_from, p_to);
end
$$;
revoke execute on function system.unowned_runs(uuid, text, text) from public;

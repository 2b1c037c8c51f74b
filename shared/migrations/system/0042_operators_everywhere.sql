-- Platform operators in the databases beside the first: a session that the first one began is begun in each of the others too, so
-- that whatever is asked of a workspace is checked and written down in the database that it is in.

-- Begins here what was begun in the first database, before anybody holds its token. Begun twice it is begun once; one that has
-- ended here stays so (SB401). An operator whom this database knows by another id is refused by the session's foreign key.
create function system.operator_session_begin(
    p_session uuid, p_operator uuid, p_directory uuid, p_object uuid, p_display_name text, p_expires timestamptz,
    p_audit uuid, p_request_id text, p_source_address text
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype;
    v_is_new boolean;
begin
    insert into system.operators as o (id, directory_id, object_id, display_name, created_at)
    values (p_operator, p_directory, p_object, left(p_display_name, 200), system.now())
    on conflict (directory_id, object_id) do update set display_name = excluded.display_name
    returning o.* into v_operator;
    insert into system.operator_sessions (id, operator_id, created_at, expires_at)
    values (p_session, p_operator, system.now(), p_expires)
    on conflict (id) do nothing;
    v_is_new := found;
    perform system.operator_session(p_session, p_operator);
    if v_is_new then
        perform system.write_operator_audit(v_operator, p_session, p_audit, 'session.start', null, null, 'session', p_session, '{}',
                                            p_request_id, p_source_address);
    end if;
end
$$;
revoke execute on function system.operator_session_begin(uuid, uuid, uuid, uuid, text, timestamptz, uuid, text, text) from public;
grant execute on function system.operator_session_begin(uuid, uuid, uuid, uuid, text, timestamptz, uuid, text, text) to system_operators;

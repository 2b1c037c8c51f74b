-- The first database's word on an operator's session holds for all: one that was restored to an earlier day has sessions open that
-- have ended since.

-- Whether the session is alive here (SB401 where not), and how many grants its operator has open here. Read by the door alone, of
-- itself: no row of the log.
create function system.operator_open_grants(p_session uuid, p_operator uuid) returns bigint
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform system.operator_session(p_session, p_operator);
    return (select count(*) from system.operator_grants g
            where g.operator_id = p_operator and g.closed_at is null and g.expires_at > system.now());
end
$$;
revoke execute on function system.operator_open_grants(uuid, uuid) from public;
grant execute on function system.operator_open_grants(uuid, uuid) to system_operators;

-- A first database that was restored to a day before somebody first came begins them anew. They are who it says everywhere: their
-- grants and sessions here go with them; tokens that name them by the number they had open nothing.
alter table system.operator_sessions drop constraint operator_sessions_operator_id_fkey;
alter table system.operator_sessions add constraint operator_sessions_operator_id_fkey
    foreign key (operator_id) references system.operators (id) on update cascade;
alter table system.operator_grants drop constraint operator_grants_operator_id_fkey;
alter table system.operator_grants add constraint operator_grants_operator_id_fkey
    foreign key (operator_id) references system.operators (id) on update cascade;

create or replace function system.operator_session_begin(
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
    on conflict (directory_id, object_id) do update set id = excluded.id, display_name = excluded.display_name
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

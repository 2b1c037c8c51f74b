-- Signing out at the operators' door asks what every function of that door asks: its login and a live session of the operator's.
-- SB401 without: there is nothing to end.
create or replace function system.operator_sign_out(p_session uuid, p_operator uuid, p_audit uuid, p_request_id text, p_source_address text)
    returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
begin
    update system.operator_sessions s set ended_at = system.now() where s.id = p_session and s.ended_at is null;
    if not found then
        return;
    end if;
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'session.end', null, null, 'session', p_session, '{}',
                                        p_request_id, p_source_address);
end
$$;

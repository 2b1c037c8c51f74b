-- Ends a session as before, and says whether there is such a session here: where there are several databases, sign-out has to know
-- whether the one that has it was asked.
create function system.end_session(p_session uuid, p_audit_id uuid, p_request_id text, p_source_address text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform system.sign_out(p_session, p_audit_id, p_request_id, p_source_address);
    return exists (select from system.sessions s where s.id = p_session);
end
$$;
revoke execute on function system.end_session(uuid, uuid, text, text) from public;
grant execute on function system.end_session(uuid, uuid, text, text) to system_signin;

-- What platform operators may ask. Each function checks login and session, writes the audit row of the access, and answers:
-- an answer without its row cannot be had, because both are one transaction.

-- Opens a grant for a workspace. SB404: no such workspace. SB409: one is open already (grant_open), or five are (too_many_grants).
create function system.operator_grant(
    p_session uuid, p_operator uuid, p_tenant uuid, p_id uuid, p_reason text, p_ticket text, p_minutes integer,
    p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, workspace_id uuid, workspace_name text, reason text, ticket text, minutes integer,
                 opened_at timestamptz, expires_at timestamptz, closed_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_tenant system.tenants%rowtype := system.operator_tenant(p_tenant);
    v_now timestamptz := system.now();
begin
    -- Grants of one operator queue here, so that two at once cannot pass the cap together.
    perform from system.operators o where o.id = v_operator.id for update;
    if exists (select from system.operator_grants g where g.operator_id = v_operator.id and g.tenant_id = v_tenant.id
               and g.closed_at is null and g.expires_at > v_now) then
        raise exception using errcode = 'SB409', message = 'grant_open';
    end if;
    if (select count(*) from system.operator_grants g where g.operator_id = v_operator.id
        and g.closed_at is null and g.expires_at > v_now) >= 5 then
        raise exception using errcode = 'SB409', message = 'too_many_grants';
    end if;
    insert into system.operator_grants (id, operator_id, tenant_id, reason, ticket, minutes, opened_at, expires_at)
    values (p_id, v_operator.id, v_tenant.id, p_reason, p_ticket, p_minutes, v_now, v_now + p_minutes * interval '1 minute');
    perform system.write_operator_audit(
        v_operator, p_session, p_audit, 'operator.grant', v_tenant.id, p_id, 'grant', p_id,
        jsonb_build_object('reason', p_reason, 'ticket', p_ticket, 'minutes', p_minutes), p_request_id, p_source_address);
    return query select g.id, g.tenant_id, v_tenant.name, g.reason, g.ticket, g.minutes, g.opened_at, g.expires_at, g.closed_at
                 from system.operator_grants g where g.id = p_id;
end
$$;

-- Ends a grant of one's own early. One that has ended stays as it ended, and is answered all the same. SB404: no such grant.
create function system.operator_grant_close(
    p_session uuid, p_operator uuid, p_id uuid, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, workspace_id uuid, workspace_name text, reason text, ticket text, minutes integer,
                 opened_at timestamptz, expires_at timestamptz, closed_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_tenant uuid;
begin
    update system.operator_grants g set closed_at = system.now()
    where g.id = p_id and g.operator_id = v_operator.id and g.closed_at is null and g.expires_at > system.now()
    returning g.tenant_id into v_tenant;
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'operator.grant_close', v_tenant, p_id, 'grant', p_id,
                                        '{}', p_request_id, p_source_address);
    return query select g.id, g.tenant_id, t.name, g.reason, g.ticket, g.minutes, g.opened_at, g.expires_at, g.closed_at
                 from system.operator_grants g join system.tenants t on t.id = g.tenant_id
                 where g.id = p_id and g.operator_id = v_operator.id;
    if not found then
        raise exception using errcode = 'SB404', message = 'no such grant';
    end if;
end
$$;

-- One's own grants, newest first.
create function system.operator_grants(
    p_session uuid, p_operator uuid, p_before uuid, p_limit integer, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, workspace_id uuid, workspace_name text, reason text, ticket text, minutes integer,
                 opened_at timestamptz, expires_at timestamptz, closed_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'grants.list', null, null, 'grant', null, '{}',
                                        p_request_id, p_source_address);
    return query select g.id, g.tenant_id, t.name, g.reason, g.ticket, g.minutes, g.opened_at, g.expires_at, g.closed_at
                 from system.operator_grants g join system.tenants t on t.id = g.tenant_id
                 where g.operator_id = v_operator.id and g.id < p_before
                 order by g.id desc limit p_limit;
end
$$;

-- Notes an access that reads nothing of any workspace, and says who is asking.
create function system.operator_note(p_session uuid, p_operator uuid, p_action text, p_audit uuid, p_request_id text, p_source_address text)
    returns table (id uuid, name text, session_expires_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, p_action, null, null, 'operator', v_operator.id, '{}',
                                        p_request_id, p_source_address);
    return query select v_operator.id, v_operator.display_name, s.expires_at from system.operator_sessions s where s.id = p_session;
end
$$;

-- Notes that an operator is about to look into a workspace, and says where it is. SB403 (no_grant) without an open grant.
-- It is committed before the look: intent before effect.
create function system.operator_look(
    p_session uuid, p_operator uuid, p_tenant uuid, p_action text, p_target_kind text, p_target uuid,
    p_audit uuid, p_request_id text, p_source_address text
) returns table (schema_name text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_grant system.operator_grants%rowtype := system.operator_grant_open(p_operator, p_tenant);
    v_tenant system.tenants%rowtype := system.operator_tenant(p_tenant);
begin
    perform system.write_operator_audit(
        v_operator, p_session, p_audit, p_action, v_tenant.id, v_grant.id, p_target_kind, p_target,
        jsonb_build_object('grant_id', v_grant.id, 'ticket', v_grant.ticket), p_request_id, p_source_address);
    return query select v_tenant.schema_name;
end
$$;

-- Opens an operator's scope in one workspace, as system.authorize opens a person's: the session is alive, the grant open now,
-- the login the operators' own. Whoever calls it makes the transaction read-only. SB404: nobody enters it (any more).
create function system.authorize_operator(p_session uuid, p_operator uuid, p_tenant uuid, p_schema text)
    returns table (user_id uuid, user_name text, role text, role_name text, permissions text, token_id uuid, token_name text,
                   token_scope text, tenant_state text, at timestamptz)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
    v_grant system.operator_grants%rowtype := system.operator_grant_open(p_operator, p_tenant);
begin
    user_name := v_operator.display_name;
    at := system.now();
    select t.state into tenant_state from system.tenants t
    where t.id = v_grant.tenant_id and t.schema_name = p_schema and t.state in ('active', 'suspending', 'suspended', 'deleting');
    if not found then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    return next;
end
$$;

-- The operators' own log, newest first.
create function system.operator_audit_list(
    p_session uuid, p_operator uuid, p_before uuid, p_limit integer, p_tenant uuid, p_audit uuid, p_request_id text, p_source_address text
) returns table (id uuid, at timestamptz, operator_id uuid, operator_name text, action text, workspace_id uuid, grant_id uuid,
                 target_kind text, target_id uuid, detail jsonb, request_id text, source_address text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype := system.operator_session(p_session, p_operator);
begin
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'audit.list', null, null, 'operator_audit', null, '{}',
                                        p_request_id, p_source_address);
    return query select a.id, a.at, a.operator_id, a.operator_name, a.action, a.tenant_id, a.grant_id, a.target_kind, a.target_id,
                        a.detail, a.request_id, a.source_address
                 from system.operator_audit a
                 where a.id < p_before and (p_tenant is null or a.tenant_id = p_tenant)
                 order by a.id desc limit p_limit;
end
$$;

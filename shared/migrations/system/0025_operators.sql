-- Platform operators: the people who run signalbox, and their separate door. Sessions, grants and an audit log of their own;
-- nothing here is a tenant's content, and nothing of a tenant's is reached without a grant.

alter table system.logins drop constraint logins_function_check;
alter table system.logins add constraint logins_function_check
    check (function in ('signin', 'portal', 'scheduler', 'dispatcher', 'steward', 'operators'));

-- A person of the operating company's own directory; known by object id, never by name.
create table system.operators (
    id uuid primary key,
    directory_id uuid not null,
    object_id uuid not null,
    display_name text not null default '' check (length(display_name) <= 200),
    created_at timestamptz not null,
    unique (directory_id, object_id)
);

create table system.operator_sessions (
    id uuid primary key,
    operator_id uuid not null references system.operators (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);

-- The right to look into one workspace for a while. It ends by itself; `closed_at` ends it early.
create table system.operator_grants (
    id uuid primary key,
    operator_id uuid not null references system.operators (id),
    tenant_id uuid not null references system.tenants (id),
    reason text not null check (length(reason) between 10 and 500),
    ticket text not null check (length(ticket) between 1 and 100),
    minutes integer not null check (minutes between 1 and 60),
    opened_at timestamptz not null,
    expires_at timestamptz not null check (expires_at = opened_at + minutes * interval '1 minute'),
    closed_at timestamptz
);
create index operator_grants_open on system.operator_grants (operator_id, tenant_id, expires_at) where closed_at is null;

-- What operators did, one row an access. A row that names a workspace has a twin of the same id in that workspace's own log.
create table system.operator_audit (
    id uuid primary key,
    at timestamptz not null,
    operator_id uuid not null,
    operator_name text not null,
    session_id uuid not null,
    action text not null check (length(action) <= 100),
    tenant_id uuid,
    grant_id uuid,
    target_kind text not null check (length(target_kind) <= 60),
    target_id uuid,
    detail jsonb not null default '{}',
    request_id text not null default '' check (length(request_id) <= 100),
    source_address text not null default '' check (length(source_address) <= 60)
);
create index operator_audit_tenant on system.operator_audit (tenant_id, id) where tenant_id is not null;

-- Nobody changes the log: not even the owner's functions, should one of them ever try.
create function system.keep_operator_audit() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using errcode = '42501', message = 'the audit log is only added to';
end
$$;
revoke execute on function system.keep_operator_audit() from public;
create trigger keep_operator_audit before update or delete on system.operator_audit
    for each row execute function system.keep_operator_audit();
create trigger keep_operator_audit_whole before truncate on system.operator_audit
    for each statement execute function system.keep_operator_audit();

-- Rows that name a tenant are fenced; no policy lets anybody but the owner's functions at them.
alter table system.operator_grants enable row level security;
alter table system.operator_audit enable row level security;

-- What happens in every function of this door: the login is the operators' own and the session is alive, or SB401.
create function system.operator_session(p_session uuid, p_operator uuid) returns system.operators
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'operators') then
        raise exception using errcode = 'SB401', message = 'not the operators'' login';
    end if;
    select o.* into v_operator
    from system.operator_sessions s join system.operators o on o.id = s.operator_id
    where s.id = p_session and s.operator_id = p_operator and s.ended_at is null and s.expires_at > system.now();
    if not found then
        raise exception using errcode = 'SB401', message = 'no such session';
    end if;
    return v_operator;
end
$$;

-- Where a workspace is, for as long as it is a customer's, and held so until the transaction ends: deletion fences it off before
-- or after, never between. SB404: it never was, or nobody enters it any more.
create function system.operator_tenant(p_tenant uuid) returns system.tenants
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant system.tenants%rowtype;
begin
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    select t.* into v_tenant from system.tenants t
    where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting');
    if not found then
        raise exception using errcode = 'SB404', message = 'no such workspace';
    end if;
    return v_tenant;
end
$$;

-- The one open grant of an operator for a workspace, or SB403: the same for a workspace that never was.
create function system.operator_grant_open(p_operator uuid, p_tenant uuid) returns system.operator_grants
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_grant system.operator_grants%rowtype;
begin
    select g.* into v_grant from system.operator_grants g
    where g.operator_id = p_operator and g.tenant_id = p_tenant and g.closed_at is null and g.expires_at > system.now();
    if not found then
        raise exception using errcode = 'SB403', message = 'no_grant';
    end if;
    return v_grant;
end
$$;

-- Writes an access into the operators' log and, where it names a workspace, under the same id into that workspace's own; one
-- that is being purged has a log no more.
-- The customer sees which operator it was by a lasting number, never by name or address: those stay with the employer.
create function system.write_operator_audit(
    p_operator system.operators, p_session uuid, p_id uuid, p_action text, p_tenant uuid, p_grant uuid,
    p_target_kind text, p_target uuid, p_detail jsonb, p_request_id text, p_source_address text
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
    v_state text;
begin
    insert into system.operator_audit (id, at, operator_id, operator_name, session_id, action, tenant_id, grant_id,
                                       target_kind, target_id, detail, request_id, source_address)
    values (p_id, system.now(), p_operator.id, p_operator.display_name, p_session, p_action, p_tenant, p_grant,
            p_target_kind, p_target, p_detail, p_request_id, p_source_address);
    if p_tenant is null then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    select t.schema_name, t.state into strict v_schema, v_state from system.tenants t where t.id = p_tenant;
    if v_state in ('purging', 'deleted') then
        return;
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true);
    execute format(
        'insert into %I.audit (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, request_id, detail)
         values ($1, system.now(), ''operator'', $2, $3, $4, $5, $6, $7, $8)', v_schema)
    using p_id, p_operator.id, 'Platform operator ' || right(p_operator.id::text, 6), p_action, p_target_kind, p_target,
          p_request_id, p_detail;
    perform set_config('app.tenant_id', '', true);
end
$$;

-- Begins a session for a person whom the function has verified: the directory and the app role are its to check.
-- p_ids: new operator, new session, audit.
create function system.operator_sign_in(
    p_directory uuid, p_object uuid, p_display_name text, p_ids uuid[], p_lifetime interval, p_request_id text, p_source_address text
) returns table (session_id uuid, operator_id uuid, expires_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype;
    v_expires timestamptz := system.now() + p_lifetime;
begin
    insert into system.operators as o (id, directory_id, object_id, display_name, created_at)
    values (p_ids[1], p_directory, p_object, left(p_display_name, 200), system.now())
    on conflict (directory_id, object_id) do update set display_name = excluded.display_name
    returning o.* into v_operator;
    insert into system.operator_sessions (id, operator_id, created_at, expires_at)
    values (p_ids[2], v_operator.id, system.now(), v_expires);
    perform system.operator_session(p_ids[2], v_operator.id);
    perform system.write_operator_audit(v_operator, p_ids[2], p_ids[3], 'session.start', null, null, 'session', p_ids[2], '{}',
                                        p_request_id, p_source_address);
    return query select p_ids[2], v_operator.id, v_expires;
end
$$;

-- Ends a session. Ending one twice, or one that never was, is no error.
create function system.operator_sign_out(p_session uuid, p_operator uuid, p_audit uuid, p_request_id text, p_source_address text)
    returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator system.operators%rowtype;
begin
    update system.operator_sessions s set ended_at = system.now()
    where s.id = p_session and s.operator_id = p_operator and s.ended_at is null;
    if not found then
        return;
    end if;
    select o.* into v_operator from system.operators o where o.id = p_operator;
    perform system.write_operator_audit(v_operator, p_session, p_audit, 'session.end', null, null, 'session', p_session, '{}',
                                        p_request_id, p_source_address);
end
$$;

-- The operators' log outlives the workspaces that it names, of which it holds the id alone: who looked into what, why and for how
-- long has to be answered after a deletion too. So deletion leaves it, and its rows are nothing left behind. Grants go.
do $$
declare
    v_sweep text := pg_get_functiondef('system.leftovers()'::regprocedure);
    v_without constant text := $q$c.relname <> 'tombstones'$q$;
begin
    if strpos(v_sweep, v_without) = 0 then
        raise exception 'the sweep for leftovers says otherwise which tables it leaves out';
    end if;
    execute replace(v_sweep, v_without, $q$c.relname not in ('tombstones', 'operator_audit')$q$);
end
$$;

-- An export has the grants for the workspace; of the log, what is the workspace's to know stands in its own.
insert into system.exported_tables (name, columns) values
    ('operator_audit', ''),
    ('operator_grants', 'x.id, x.operator_id, x.reason, x.ticket, x.minutes, x.opened_at, x.expires_at, x.closed_at');

-- What the steward does to one workspace over several steps: asked for in the workspace's scope, worked by the steward, each
-- step recorded as it is done. The row is the truth; the message that wakes the steward is a hint. Of tenant content it holds
-- nothing: ids, counts and hashes.
create table system.operations (
    id uuid primary key,
    tenant_id uuid not null references system.tenants (id),
    kind text not null check (kind in ('suspend', 'deletion', 'export', 'backup', 'restore', 'rotation', 'move')),
    -- A workspace has one of these at a time; the others only read.
    exclusive boolean not null,
    state text not null default 'pending' check (state in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    -- The step that comes next, and what the steps before it left for it.
    step text not null default 'start' check (length(step) between 1 and 60),
    request jsonb not null default '{}' check (octet_length(request::text) <= 16384),
    progress jsonb not null default '{}' check (octet_length(progress::text) <= 65536),
    result jsonb check (octet_length(result::text) <= 65536),
    error text check (length(error) <= 500),
    requested_by uuid,
    not_before timestamptz not null,
    -- Of the claim: whoever holds an older one writes nothing.
    epoch integer not null default 0,
    lease_until timestamptz,
    failures integer not null default 0,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    check ((finished_at is null) = (state in ('pending', 'running')))
);
create unique index operations_exclusive on system.operations (tenant_id) where exclusive and finished_at is null;
create index operations_open on system.operations (not_before) where finished_at is null;
create index operations_of_tenant on system.operations (tenant_id, kind, id desc);

alter table system.operations enable row level security;
create policy own on system.operations to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Asks for an operation, once; the portal alone asks. SB409 `operation_open`: another one has to end first.
create function system.operation_ask(
    p_id uuid, p_kind text, p_exclusive boolean, p_request jsonb, p_user uuid, p_not_before timestamptz
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not ask for operations';
    end if;
    insert into system.operations (id, tenant_id, kind, exclusive, request, requested_by, not_before, created_at)
    values (p_id, v_tenant, p_kind, p_exclusive, p_request, p_user, coalesce(p_not_before, system.now()), system.now());
exception when unique_violation then
    raise exception using errcode = 'SB409', message = 'operation_open';
end
$$;

-- Operations of the current workspace, newest first; of one kind where it is given, the one with an id where that is.
create function system.operations_of(p_kind text, p_id uuid, p_before uuid, p_limit integer)
    returns table (id uuid, kind text, state text, step text, request jsonb, progress jsonb, result jsonb, error text,
                   requested_by uuid, not_before timestamptz, created_at timestamptz, started_at timestamptz,
                   finished_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select o.id, o.kind, o.state, o.step, o.request, o.progress, o.result, o.error, o.requested_by, o.not_before,
           o.created_at, o.started_at, o.finished_at
    from system.operations o
    where o.tenant_id = system.tenant() and (p_kind is null or o.kind = p_kind) and (p_id is null or o.id = p_id)
      and (p_before is null or o.id < p_before)
    order by o.id desc limit p_limit
$$;

-- Takes back what has not begun. False: it has, or there is no such thing.
create function system.operation_cancel(p_id uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not cancel operations';
    end if;
    update system.operations o set state = 'cancelled', finished_at = system.now()
    where o.tenant_id = v_tenant and o.id = p_id and o.state = 'pending';
    return found;
end
$$;

revoke execute on function
    system.operation_ask(uuid, text, boolean, jsonb, uuid, timestamptz),
    system.operations_of(text, uuid, uuid, integer), system.operation_cancel(uuid)
    from public;
grant execute on function
    system.operation_ask(uuid, text, boolean, jsonb, uuid, timestamptz),
    system.operations_of(text, uuid, uuid, integer), system.operation_cancel(uuid)
    to signalbox_tenants;

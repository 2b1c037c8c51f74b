-- A sandbox is a copy of the workspace whose backup it was made of. It has that workspace's Administrators at every moment, and
-- does not outlive it.

-- Whose it is. Of a sandbox that is gone nothing is kept, so whoever this names is there.
alter table system.tenants add column sandbox_of uuid references system.tenants (id) check (sandbox_of <> id);
create index tenants_sandboxes on system.tenants (sandbox_of) where sandbox_of is not null;

-- An id for a row that the database writes by itself: of version 7, as all others, for lists go by them.
create function system.new_id() returns uuid
    language sql volatile
    set search_path = pg_catalog, pg_temp
as $$
    select encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from system.now()) * 1000)::bigint) from 3) from 1 for 6),
        52, 1), 53, 1), 'hex')::uuid
$$;

-- Makes somebody an Administrator of a sandbox, or ends their membership there with their sessions (their tokens end with it).
-- Without effect where it is so already. Its log tells it; the scope of whoever caused it stays open.
create function system.follow_into(p_sandbox uuid, p_user uuid, p_is_administrator boolean, p_guest boolean) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_scope text := current_setting('app.tenant_id', true);
    v_schema text := system.schema_held(p_sandbox);
    v_changed bigint;
begin
    perform pg_advisory_xact_lock(2, hashtext(p_sandbox::text));
    if p_is_administrator then
        insert into system.memberships as m (tenant_id, user_id, role, guest, created_at, updated_at)
        values (p_sandbox, p_user, 'administrator', p_guest, system.now(), system.now())
        on conflict (tenant_id, user_id) do update
            set role = 'administrator', role_id = null, guest = m.guest or excluded.guest, state = 'active',
                version = m.version + 1, updated_at = system.now()
            where m.state <> 'active' or m.role <> 'administrator';
        get diagnostics v_changed = row_count;
    else
        update system.memberships m set state = 'removed', version = m.version + 1, updated_at = system.now()
        where m.tenant_id = p_sandbox and m.user_id = p_user and m.state = 'active';
        get diagnostics v_changed = row_count;
        update system.sessions s set ended_at = system.now()
        where s.tenant_id = p_sandbox and s.user_id = p_user and s.ended_at is null;
    end if;
    if v_changed > 0 then
        perform set_config('app.tenant_id', p_sandbox::text, true);
        execute format('insert into %I.audit (id, at, actor_kind, actor_name, action, target_kind, target_id)
                        values ($1, system.now(), ''system'', ''the workspace of this sandbox'', $2, ''user'', $3)', v_schema)
        using system.new_id(), case when p_is_administrator then 'user.create' else 'user.delete' end, p_user;
        perform set_config('app.tenant_id', coalesce(v_scope, ''), true);
    end if;
end
$$;

-- What a change of a membership comes to in the sandboxes of its workspace, in the same transaction: who becomes an Administrator
-- becomes one there; who is one no more, or no member any more, is out there too. Whoever changes people holds the workspace's
-- lock of them, and so does whoever opens a sandbox: no change is missed between the two. Locks are taken from a workspace to its
-- sandboxes, those by id; sandboxes of sandboxes follow by their own memberships.
create function system.follow_into_sandboxes() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_was_member boolean := tg_op = 'UPDATE' and old.state = 'active';
    v_was boolean := v_was_member and old.role = 'administrator';
    v_is boolean := new.state = 'active' and new.role = 'administrator';
    v_sandbox uuid;
begin
    if v_was = v_is and (new.state = 'active' or not v_was_member) then
        return null;
    end if;
    perform pg_advisory_xact_lock(2, hashtext(new.tenant_id::text));
    for v_sandbox in
        select t.id from system.tenants t
        where t.sandbox_of = new.tenant_id and t.state in ('active', 'suspending', 'suspended', 'deleting')
        order by t.id
    loop
        perform system.follow_into(v_sandbox, new.user_id, v_is, new.guest);
    end loop;
    return null;
end
$$;
create trigger follow_into_sandboxes after insert or update of role, state on system.memberships
    for each row execute function system.follow_into_sandboxes();

-- SB409 origin_administrator: in a sandbox nobody ends who administers its workspace. So whoever does can enter and delete it,
-- and a sandbox keeps an Administrator because its workspace does.
create function system.keep_origin_administrators() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from system.tenants t
        join system.memberships o on o.tenant_id = t.sandbox_of and o.user_id = new.user_id
        where t.id = new.tenant_id and o.state = 'active' and o.role = 'administrator'
    ) then
        raise exception using errcode = 'SB409', message = 'origin_administrator';
    end if;
    return new;
end
$$;
create trigger keep_origin_administrators before update of role, state on system.memberships
    for each row when (old.state = 'active' and old.role = 'administrator' and (new.state <> 'active' or new.role <> 'administrator'))
    execute function system.keep_origin_administrators();

-- Sandboxes of the current workspace that are not gone, newest first; those that are being made or taken away too.
create function system.sandboxes(p_before uuid, p_limit integer)
    returns table (id uuid, name text, state text, created_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.name, t.state, t.created_at
    from system.tenants t
    where t.sandbox_of = system.tenant() and t.state <> 'deleted' and t.id < p_before
    order by t.id desc limit p_limit
$$;

-- Begins a deletion's grace and says the state before it. The name confirms that it is meant. SB409 `workspace_name`: it is
-- another; SB409 `operation_open`: something else is being done to it (a sandbox being made is); SB409 `workspace_state`: it cannot
-- be deleted now; SB409 `has_sandboxes`: those go first, one in its grace too, for that may be taken back.
create or replace function system.deletion_begin(p_name text) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_name text;
    v_state text;
begin
    if not exists (select from system.logins l where l.name = session_user and l.function = 'portal') then
        raise exception using errcode = 'SB401', message = 'login may not delete';
    end if;
    perform pg_advisory_xact_lock(1, hashtext(v_tenant::text));
    select t.name, t.state into v_name, v_state from system.tenants t where t.id = v_tenant for update;
    if v_name is distinct from p_name then
        raise exception using errcode = 'SB409', message = 'workspace_name';
    end if;
    if exists (select from system.operations o where o.tenant_id = v_tenant and o.exclusive and o.finished_at is null) then
        raise exception using errcode = 'SB409', message = 'operation_open';
    end if;
    if v_state not in ('active', 'suspended') then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
    if exists (select from system.tenants t where t.sandbox_of = v_tenant and t.state <> 'deleted') then
        raise exception using errcode = 'SB409', message = 'has_sandboxes';
    end if;
    update system.tenants t set state = 'deleting' where t.id = v_tenant;
    return v_state;
end
$$;

revoke execute on function
    system.new_id(), system.follow_into(uuid, uuid, boolean, boolean), system.follow_into_sandboxes(),
    system.keep_origin_administrators(), system.sandboxes(uuid, integer)
    from public;
grant execute on function system.sandboxes(uuid, integer) to signalbox_tenants;

-- Functions of before, changed in one place each. Of a sandbox that is gone it is not kept whose it was; an export says it. A
-- workspace that is of no directory, no canary and no sandbox of a workspace that is there is a leftover. Who comes in by an
-- invitation waits for the lock of people before that of the invitation, as whoever revokes it does. Nobody who signs in finds
-- themselves in a sandbox who is a member elsewhere.
do $$
declare
    v_change text[];
    v_text text;
    v_changed bigint;
begin
    foreach v_change slice 1 in array array[
        array['bury', $q$set state = 'deleted', name = ''$q$, $q$set state = 'deleted', name = '', sandbox_of = null$q$],
        array['exported', $q$t.schema_version, t.created_at, t.claimed_at$q$,
              $q$t.schema_version, t.created_at, t.claimed_at, t.sandbox_of$q$],
        array['leftovers', $q$    return query
        select 'tombstone'$q$,
              $q$    return query
        select 'workspace of nobody', t.id::text, 1::bigint from system.tenants t
        where t.state not in ('spare', 'provisioning', 'deleted')
          and not exists (select from system.directories d where d.tenant_id = t.id)
          and not exists (select from system.canaries k where k.tenant_id = t.id)
          and not exists (select from system.tenants o where o.id = t.sandbox_of and o.state <> 'deleted');
    return query
        select 'tombstone'$q$],
        array['sign_in_guest', $q$perform pg_advisory_xact_lock(4, hashtext(v_tenant::text || 'users'));$q$,
              $q$perform pg_advisory_xact_lock(4, hashtext(v_tenant::text || 'users'));
        perform pg_advisory_xact_lock(2, hashtext(v_tenant::text));$q$],
        array['sign_in', $q$nulls last, m.created_at desc limit 1;$q$, $q$nulls last, t.sandbox_of is not null, m.created_at desc limit 1;$q$],
        array['sign_in_guest', $q$order by m.created_at desc limit 1;$q$, $q$order by t.sandbox_of is not null, m.created_at desc limit 1;$q$]
    ] loop
        v_changed := 0;
        for v_text in
            select pg_get_functiondef(p.oid) from pg_proc p
            where p.pronamespace = 'system'::regnamespace and p.proname = v_change[1] and strpos(p.prosrc, v_change[2]) > 0
        loop
            execute replace(v_text, v_change[2], v_change[3]);
            v_changed := v_changed + 1;
        end loop;
        if v_changed <> 1 then
            raise exception 'system.% is not as it was', v_change[1];
        end if;
    end loop;
end
$$;

-- Sandboxes that are there, as far as their workspace remembers what it asked for. Its Administrators are let in; who left it, or
-- asked and administers it no more, is out.
update system.tenants t set sandbox_of = o.tenant_id
from system.operations o
where o.kind = 'restore' and o.request ->> 'into' = 'sandbox' and t.state <> 'deleted' and t.id <> o.tenant_id
  and t.id::text = coalesce(o.result ->> 'workspace_id', o.progress ->> 'tenant');

do $$
declare
    v_it record;
begin
    for v_it in
        select t.id, m.user_id, m.guest, m.state = 'active' and m.role = 'administrator' as is_administrator
        from system.tenants t
        join system.memberships m on m.tenant_id = t.sandbox_of
        where t.state in ('active', 'suspending', 'suspended', 'deleting')
          and (m.role = 'administrator' or m.state <> 'active'
               or m.user_id in (select o.requested_by from system.operations o
                                where o.tenant_id = t.sandbox_of and o.result ->> 'workspace_id' = t.id::text))
        order by t.id, 4 desc
    loop
        perform pg_advisory_xact_lock(2, hashtext((select t.sandbox_of::text from system.tenants t where t.id = v_it.id)));
        perform system.follow_into(v_it.id, v_it.user_id, v_it.is_administrator, v_it.guest);
    end loop;
end
$$;

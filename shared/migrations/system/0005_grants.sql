-- Who may do what in schema system. Functions are nobody's until granted; tables are reached by the sweeper alone.

revoke execute on all functions in schema system from public;

grant usage on schema system to signalbox_tenants, system_signin, system_portal, system_scheduler, system_dispatcher;

grant execute on function
    system.now(), system.tenant(), system.hold_tenant(), system.tenant_salts(),
    system.enqueue(uuid[], text[], uuid[], timestamptz[]), system.outbox_done(uuid[]),
    system.due_set(text, uuid, timestamptz), system.due_pull(text, uuid, timestamptz),
    system.due_take(text, uuid, integer, timestamptz), system.due_round(text, uuid), system.due_clear(text, uuid),
    system.workspace(), system.workspaces_of(uuid), system.members(uuid, integer), system.member(uuid),
    system.member_add(uuid, uuid, uuid, text), system.member_change(uuid, integer, text)
    to signalbox_tenants;

grant execute on function
    system.sign_in(text, uuid, uuid, text, boolean, uuid[], interval, text, text), system.sign_out(uuid, uuid, text, text)
    to system_signin;

grant execute on function system.switch_session(uuid, uuid, uuid, uuid, text, text) to system_portal;

grant execute on function system.now() to system_scheduler;
grant select (id, state, schema_name) on system.tenants to system_scheduler;
grant select, update on system.outbox, system.due to system_scheduler;

-- Row-level security on every system row that bears a tenant: the second fence. Definer functions run as the owner and are
-- not bound by it; a tenant role that were ever granted a table would see its own rows only; the sweeper sees all.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['tenants', 'tenant_keys', 'directories', 'memberships', 'sessions', 'outbox', 'due'] loop
        execute format('alter table system.%I enable row level security', v_table);
        execute format(
            'create policy own on system.%I to signalbox_tenants using (%I = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
            v_table, case v_table when 'tenants' then 'id' else 'tenant_id' end);
    end loop;
end
$$;
create policy sweep on system.tenants to system_scheduler using (true);
create policy sweep on system.outbox to system_scheduler using (true);
create policy sweep on system.due to system_scheduler using (true);

-- Evidence of isolation: two canary workspaces, which nobody uses, try from inside their own scope to reach every other one, a
-- few at a time, for as long as the installation runs. What came of it is each workspace's to read.

create table system.canaries (
    tenant_id uuid primary key references system.tenants (id),
    created_at timestamptz not null
);
alter table system.canaries enable row level security;

create table system.isolation_evidence (
    tenant_id uuid primary key references system.tenants (id),
    checked_at timestamptz not null,
    attempts integer not null,
    violations integer not null,
    checks jsonb not null check (octet_length(checks::text) <= 65536)
);
alter table system.isolation_evidence enable row level security;
create policy own on system.isolation_evidence to signalbox_tenants
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Where the round over the workspaces stands: one row.
create table system.isolation_rounds (
    one boolean primary key default true check (one),
    after uuid not null,
    at timestamptz not null
);

-- Tries, as whoever calls it, to read and to change a workspace's rows. Each attempt is taken back, so that a fence that does
-- not hold is seen and nothing is lost. Not a definer function: it can do nothing that its caller could not.
create function system.try_to_cross(p_schema text, p_tenant uuid, p_tables text[])
    returns table (attempts integer, crossed text[])
    language plpgsql volatile security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
    v_verb text;
    v_count bigint;
    v_is_shared boolean := p_schema = current_setting('role');
begin
    attempts := 0;
    crossed := '{}';
    foreach v_table in array p_tables loop
        foreach v_verb in array array['select', 'insert', 'update', 'delete'] loop
            attempts := attempts + 1;
            begin
                case v_verb
                    when 'select' then
                        execute format('select from %I.%I where tenant_id = $1 limit 1', p_schema, v_table) using p_tenant;
                    when 'insert' then
                        execute format('insert into %I.%I (tenant_id) values ($1)', p_schema, v_table) using p_tenant;
                    when 'update' then
                        execute format('update %I.%I set tenant_id = tenant_id where tenant_id = $1', p_schema, v_table) using p_tenant;
                    else
                        execute format('delete from %I.%I where tenant_id = $1', p_schema, v_table) using p_tenant;
                end case;
                get diagnostics v_count = row_count;
                -- In a schema that several share, the statement may run; it must find nothing.
                if v_count > 0 or not v_is_shared then
                    raise exception using errcode = 'SB999', message = 'crossed';
                end if;
            exception
                when insufficient_privilege then null;
                when sqlstate 'SB999' then crossed := crossed || (v_verb || ' ' || v_table);
                when others then crossed := crossed || (v_verb || ' ' || v_table || ' ' || sqlstate);
            end;
        end loop;
    end loop;
    return next;
end
$$;
revoke execute on function system.try_to_cross(text, uuid, text[]) from public;
grant execute on function system.try_to_cross(text, uuid, text[]) to signalbox_tenants;

-- The last evidence of the current workspace.
create function system.isolation_evidence()
    returns table (checked_at timestamptz, attempts integer, violations integer, checks jsonb)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select e.checked_at, e.attempts, e.violations, e.checks
    from system.isolation_evidence e where e.tenant_id = system.tenant()
$$;
revoke execute on function system.isolation_evidence() from public;
grant execute on function system.isolation_evidence() to signalbox_tenants;

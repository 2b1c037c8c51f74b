-- Versions of the keys. Every salt of a workspace is bound to one version of the root key, and every version of the root key that
-- was ever seen is known by the public key that is derived from it: so it is a question to a table which salts, and with them
-- which workspaces, still need which root.

create table system.roots (
    version integer primary key check (version >= 0),
    -- Of the signing key that is derived from it: tells one root from another, and checks old signatures once the root is gone.
    key_id text not null check (length(key_id) between 1 and 100),
    public_key text not null check (length(public_key) between 1 and 100),
    -- New salts are bound to it.
    is_current boolean not null default false,
    first_seen_at timestamptz not null
);
create unique index roots_current on system.roots (is_current) where is_current;
alter table system.roots enable row level security;

-- Without a root: made before roots were known; sealed values say themselves which they need. Retired: nothing in use is sealed
-- under it; backups may be.
alter table system.tenant_keys
    add column root_version integer references system.roots (version),
    add column retired_at timestamptz;
create index tenant_keys_of_root on system.tenant_keys (root_version, tenant_id);

-- A workspace's keys are rotated by one operation at a time, beside whatever else is done to it.
create unique index operations_rotation on system.operations (tenant_id) where kind = 'rotation' and finished_at is null;

update system.exported_tables set columns = 'x.version, x.created_at, x.root_version, x.retired_at' where name = 'tenant_keys';

-- The salts of the tenant's keys, with the root each needs; only the functions that seal or open secrets, or a backup, are told.
drop function system.tenant_salts();
create function system.tenant_salts() returns table (version integer, salt bytea, root_version integer)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    if not exists (select from system.logins l
                   where l.name = session_user and l.function in ('portal', 'dispatcher', 'steward')) then
        raise exception using errcode = 'SB401', message = 'login may not have keys';
    end if;
    return query
        select k.version, k.salt, k.root_version from system.tenant_keys k where k.tenant_id = v_tenant order by k.version;
end
$$;

-- The public keys of every root that was ever seen.
create function system.signing_keys() returns table (root_version integer, key_id text, public_key text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$ select r.version, r.key_id, r.public_key from system.roots r order by r.version $$;

-- Adds a version to a workspace's keys, bound to the current root. Who seals holds the workspace while it does: once this has
-- returned, nobody seals under an older version any more. Null: the workspace is being taken away. May run again.
create function system.key_add(p_tenant uuid, p_version integer, p_salt bytea) returns integer
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    if not exists (select from system.tenants t where t.id = p_tenant and t.state not in ('purging', 'deleted')) then
        return null;
    end if;
    insert into system.tenant_keys (tenant_id, version, salt, root_version, created_at)
    values (p_tenant, p_version, p_salt, (select r.version from system.roots r where r.is_current), system.now())
    on conflict (tenant_id, version) do nothing;
    return p_version;
end
$$;

-- Retires the versions under which nothing in use is sealed, all but the newest, and destroys those of them that no backup which
-- is kept can need: one that was asked for by then, or within the minute in which the lock was waited for. Nothing is destroyed
-- while rows are being brought in from elsewhere. Says what was destroyed and what is left
-- beside the newest. May run again.
create function system.keys_retire(p_tenant uuid) returns table (destroyed integer, kept integer)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
    v_newest integer;
    v_in_use integer[];
begin
    destroyed := 0;
    perform pg_advisory_xact_lock(1, hashtext(p_tenant::text));
    select t.schema_name into v_schema from system.tenants t where t.id = p_tenant and t.state not in ('purging', 'deleted');
    select max(k.version) into v_newest from system.tenant_keys k where k.tenant_id = p_tenant;
    if v_schema is not null and not exists (
        select from system.operations o
        where o.tenant_id = p_tenant and o.kind in ('restore', 'move') and o.finished_at is null
    ) then
        perform set_config('app.tenant_id', p_tenant::text, true);
        execute format('select coalesce(array_agg(distinct c.key_version), ''{}'') from %I.credentials c', v_schema) into v_in_use;
        perform set_config('app.tenant_id', '', true);
        update system.tenant_keys k set retired_at = system.now()
        where k.tenant_id = p_tenant and k.version < v_newest and k.retired_at is null and k.version <> all (v_in_use);
        delete from system.tenant_keys k
        where k.tenant_id = p_tenant and k.version < v_newest and k.retired_at is not null and k.version <> all (v_in_use)
          and not exists (
              select from system.operations o
              where o.tenant_id = p_tenant and o.kind = 'backup' and o.created_at <= k.retired_at + interval '1 minute'
                and (o.finished_at is null or o.state = 'succeeded' and not coalesce(o.result, '{}') ? 'purged_at'));
        get diagnostics destroyed = row_count;
    end if;
    select count(*) into kept from system.tenant_keys k where k.tenant_id = p_tenant and k.version < v_newest;
    return next;
end
$$;

revoke execute on function
    system.tenant_salts(), system.signing_keys(), system.key_add(uuid, integer, bytea), system.keys_retire(uuid) from public;
grant execute on function system.tenant_salts(), system.signing_keys() to signalbox_tenants;

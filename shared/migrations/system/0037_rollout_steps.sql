-- One workspace's step of a rollout is one message to the server: this function, the migration's text, its note, the commit.
-- What stopped a rollout stands in its row too: a pool in which nobody lives has no workspace to name.
alter table system.rollouts add column cause text check (length(cause) <= 600);

-- Says that a schema, with all who live in it, has the next version, which the rest of the transaction brings. A pool's row comes
-- first: whoever joins a pool holds it, and so joins before this or after. SB409 `workspace_state`: another has done it, or
-- nobody is there any more; nothing behind this call is run then.
create function system.next_version(p_schema text, p_version integer) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.pools p set schema_version = p_version where p.schema_name = p_schema and p.schema_version = p_version - 1;
    if found then
        update system.tenants t set schema_version = p_version
        where t.schema_name = p_schema and t.placement = 'pooled' and t.state <> 'deleted' and t.schema_version = p_version - 1;
        return;
    end if;
    update system.tenants t set schema_version = p_version
    where t.schema_name = p_schema and t.placement <> 'pooled' and t.state not in ('provisioning', 'purging', 'deleted')
      and t.schema_version = p_version - 1;
    if not found then
        raise exception using errcode = 'SB409', message = 'workspace_state';
    end if;
end
$$;
revoke execute on function system.next_version(text, integer) from public;

-- The end of a step: what a migration brought to a pool is opened to the sweep. Nothing where the schema is no pool.
create function system.open_pool(p_schema text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from system.pools p where p.schema_name = p_schema) then
        perform system.open_to_sweep(p_schema);
    end if;
end
$$;
revoke execute on function system.open_pool(text) from public;

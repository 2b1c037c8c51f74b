-- Asked of a token that an instance does not know, before its workspace's calls are counted: whether the database has it. A text
-- that nobody made spends none of the calls of the workspace it names, and a token that somebody made is admitted like any other
-- caller from its first call on. Notes that it is in use, at most once an hour. `system.api_token_seen` is the release before's.
create function system.api_token_used(p_hash bytea, p_user uuid, p_tenant uuid) returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    with live as (
        select k.tenant_id, k.id from system.api_tokens k
        where k.hash = p_hash and k.user_id = p_user and k.tenant_id = p_tenant
          and k.ended_at is null and k.expires_at > system.now()
    ), noted as (
        update system.api_tokens k set last_used_at = system.now()
        from live l
        where k.tenant_id = l.tenant_id and k.id = l.id
          and (k.last_used_at is null or k.last_used_at < system.now() - interval '1 hour')
    )
    select exists (select from live)
$$;
revoke execute on function system.api_token_used(bytea, uuid, uuid) from public;
grant execute on function system.api_token_used(bytea, uuid, uuid) to system_portal;

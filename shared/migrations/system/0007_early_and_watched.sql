-- What it has taken on is owed no longer; a message that came before its instant stays owed and is handed back.
drop function system.outbox_done(uuid[]);
create function system.outbox_done(p_ids uuid[]) returns table (id uuid, kind text, ref uuid, available_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
begin
    delete from system.outbox o
    where o.tenant_id = v_tenant and o.id = any (p_ids) and o.available_at <= system.now();
    -- A message that came before its instant, by the skew of two clocks, stays owed: the caller delays it again.
    return query
        select o.id, o.kind, o.ref, o.available_at from system.outbox o
        where o.tenant_id = v_tenant and o.id = any (p_ids);
end
$$;

revoke execute on function system.outbox_done(uuid[]) from public;
grant execute on function system.outbox_done(uuid[]) to signalbox_tenants;

-- Moves a due instant earlier, never later; reads first, so that a busy tenant's one row is not a lock. Returns the round if
-- it moved. Whoever clears such a row holds what its pullers hold, so that no pull is lost: the workspace's hold for `watch`
-- (taken here; whoever clears it is alone), the key's slot row for `poll`.
create or replace function system.due_pull(p_kind text, p_ref uuid, p_at timestamptz) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := system.tenant();
    v_at timestamptz;
    v_round integer;
begin
    if p_kind = 'watch' then
        perform pg_advisory_xact_lock_shared(1, hashtext(v_tenant::text));
    end if;
    select d.at into v_at from system.due d where d.tenant_id = v_tenant and d.kind = p_kind and d.ref = p_ref;
    if v_at is null or v_at > p_at then
        insert into system.due (tenant_id, kind, ref, at) values (v_tenant, p_kind, p_ref, p_at)
        on conflict (tenant_id, kind, ref) do update set at = least(system.due.at, excluded.at)
        returning system.due.round into v_round;
    end if;
    return v_round;
end
$$;

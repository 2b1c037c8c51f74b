-- What one workspace may hold of the portal: a call that takes long is charged for it, and what is known to take long is worked for
-- one caller of a workspace at a time, over all instances.

-- As before, and first takes what calls have cost beyond the token that each was let through for. A bucket may be owed to: it gives
-- nothing until what it gains has paid that off.
create function system.lease_tokens(
    p_tenant uuid, p_bucket text, p_rate bigint, p_burst bigint, p_used bigint, p_limited bigint, p_owed bigint
) returns table (granted bigint, block bigint, rate bigint, burst bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := system.now();
    v_at timestamptz;
    v_tokens double precision;
begin
    -- Nothing here is worth waiting for the disk: at worst a crash forgets counts of the last instants.
    perform set_config('synchronous_commit', 'off', true);
    -- A deletion waits for this, or this finds that it has begun: nothing is written of a workspace that is gone.
    perform pg_advisory_xact_lock_shared(1, hashtext(p_tenant::text));
    if not exists (select from system.tenants t
                   where t.id = p_tenant and t.state in ('active', 'suspending', 'suspended', 'deleting')) then
        return;
    end if;
    rate := system.limit_of(p_tenant, p_bucket || '_rate', p_rate);
    burst := system.limit_of(p_tenant, p_bucket || '_burst', p_burst);
    block := greatest(1, least(rate / 10, burst / 10, 100));
    insert into system.rate_buckets (tenant_id, bucket, tokens, at) values (p_tenant, p_bucket, burst, v_now)
    on conflict (tenant_id, bucket) do nothing;
    select b.tokens, b.at into v_tokens, v_at from system.rate_buckets b
    where b.tenant_id = p_tenant and b.bucket = p_bucket for update;
    -- Whoever waited for the row comes with an instant that has passed.
    v_now := greatest(v_now, v_at);
    v_tokens := least(burst, v_tokens + rate * extract(epoch from v_now - v_at)) - greatest(p_owed, 0);
    granted := greatest(0, least(block, floor(v_tokens)));
    update system.rate_buckets b set tokens = v_tokens - granted, at = v_now, leases = b.leases + 1
    where b.tenant_id = p_tenant and b.bucket = p_bucket;
    if p_bucket = 'api' and p_used + p_limited > 0 then
        perform system.add_usage(p_tenant, p_used, p_limited, 0, 0);
    end if;
    return next;
end
$$;

-- For the release before, whose calls cost one token each.
create or replace function system.lease_tokens(
    p_tenant uuid, p_bucket text, p_rate bigint, p_burst bigint, p_used bigint, p_limited bigint
) returns table (granted bigint, block bigint, rate bigint, burst bigint)
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    select l.granted, l.block, l.rate, l.burst
    from system.lease_tokens(p_tenant, p_bucket, p_rate, p_burst, p_used, p_limited, 0) l
$$;

-- Takes the one place of the caller's workspace for such work, until the transaction ends; false where somebody has it. Nobody
-- waits for it, and it goes with a connection that breaks.
create function system.hold_alone(p_what text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    return pg_try_advisory_xact_lock(8, hashtext(system.tenant()::text || p_what));
end
$$;

revoke execute on function
    system.lease_tokens(uuid, text, bigint, bigint, bigint, bigint, bigint), system.hold_alone(text) from public;
grant execute on function system.lease_tokens(uuid, text, bigint, bigint, bigint, bigint, bigint) to system_portal;
grant execute on function system.hold_alone(text) to signalbox_tenants;

-- Waits for a request with the same key that is under way; status 0 is a reservation of this transaction. A key older than a day is new again;
-- a few others that old are thrown away beside it, so that no table of them grows and none has to be searched for.
with old as (
    select tenant_id, user_id, key
    from idempotency_keys
    where created_at < system.now() - interval '24 hours' and (user_id, key) <> ($1, $2)
    order by created_at
    limit 5
    for update skip locked
), gone as (
    delete from idempotency_keys k
    using old
    where (k.tenant_id, k.user_id, k.key) = (old.tenant_id, old.user_id, old.key)
)
insert into idempotency_keys as k (user_id, key, operation, body_hash, status, created_at)
values ($1, $2, $3, $4, 0, system.now())
on conflict (tenant_id, user_id, key) do update
    set operation = excluded.operation, body_hash = excluded.body_hash, status = 0, headers = '{}', answer = null,
        created_at = excluded.created_at
    where k.created_at < system.now() - interval '24 hours'

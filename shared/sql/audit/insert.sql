insert into audit (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, before_digest, after_digest,
                   request_id, source_address)
values ($1, system.now(), 'user', $2, $3, $4, $5, $6, $7, $8, $9, $10)

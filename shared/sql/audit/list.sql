select id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id,
       encode(before_digest, 'hex') as before_digest, encode(after_digest, 'hex') as after_digest, request_id, source_address, detail
from audit
where id < $1 and id >= $3
order by id desc
limit $2
